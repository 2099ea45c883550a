"""Files that are whole at every moment: whoever reads sees the old content or the new one, and a full disk loses nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_beside(target: Path, content: bytes) -> Iterator[Path]:
    """Yield a file of this content beside the target, to be given its name; only the user may read it. What is left is removed.

    Raises:
        OSError: it cannot be written.

    """
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def replace_file(target: Path, content: bytes) -> None:
    """Write beside the file and rename; only the user may read it.

    Raises:
        OSError: it cannot be written; what stood there stands.

    """
    with written_beside(target, content) as temporary:
        temporary.replace(target)
