"""Move `exclude-newer` in pyproject.toml to now, lock again, and install: `uv run poe upgrade`.

The lock file of a fresh project looks at no package that is newer than the day on which the
template was proven. This is how newer releases, and their fixes, come in: on purpose, in one
commit, with the tests run afterwards.
"""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
SETTING = re.compile(r'^exclude-newer = "[^"]*"$', re.MULTILINE)


def main() -> int:
    """Upgrade; on failure put pyproject.toml and uv.lock back as they were.

    Returns
    -------
    int
        The exit code: 0, or 1 with the reason on standard error.
    """
    before = PYPROJECT.read_text(encoding="utf-8")
    lock = PYPROJECT.with_name("uv.lock")
    lock_before = lock.read_bytes() if lock.exists() else None
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    after, found = SETTING.subn(f'exclude-newer = "{now}"', before)
    if found != 1:
        print(
            f'{PYPROJECT} needs one line `exclude-newer = "DATE"` under [tool.uv].', file=sys.stderr
        )
        return 1
    try:
        replace(PYPROJECT, after.encode())
        subprocess.run(["uv", "lock", "--upgrade"], check=True)
        subprocess.run(["uv", "sync"], check=True)
    except (OSError, subprocess.CalledProcessError, KeyboardInterrupt) as problem:
        replace(PYPROJECT, before.encode())
        if lock_before is not None:
            replace(lock, lock_before)
        print(f"Not upgraded, everything is as it was: {problem}", file=sys.stderr)
        return 1
    print("Upgraded. Next: `uv run poe check && uv run poe test`, look at `git diff`, and commit.")
    return 0


def replace(path: Path, content: bytes) -> None:
    """Write beside, then rename, so that a crash leaves the old file or the new one, never half."""
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    beside.replace(path)


if __name__ == "__main__":
    sys.exit(main())
