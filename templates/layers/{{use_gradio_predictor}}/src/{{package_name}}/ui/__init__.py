"""A Gradio app over the running service: it knows HTTP and the service's own schema, no model."""
