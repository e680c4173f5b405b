"""Data to try things on: a synthetic cohort at once, public studies from where they live.

A :class:`Study` says which files it has, where each lives, which SHA-256 it must have, under which
license it may be used and what to cite. :func:`fetch_study` brings the files into a folder of the
user, once, and gives nothing whose sum is not the one stated.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from donormatch import _core, _html
from donormatch._errors import InputError, ParameterError
from donormatch._simulate import SyntheticCohort, simulate

__all__ = ["FetchedStudy", "RemoteFile", "Study", "cache_folder", "fetch_study", "load_synthetic"]

Progress = Callable[[str, int, "int | None"], None]
CHUNK = 1 << 16
MOST_BYTES = 1 << 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def load_synthetic(*, n_donors: int = 6, n_recipients: int = 8, seed: int = 0) -> SyntheticCohort:
    """A made-up cohort with the truth behind it; needs no network.

    Parameters
    ----------
    n_donors, n_recipients, seed
        As in :func:`donormatch.simulate`.

    Returns
    -------
    SyntheticCohort
        Tables and the truth.

    Examples
    --------
    >>> load_synthetic().donors.n_samples
    6
    """
    return simulate(n_donors=n_donors, n_recipients=n_recipients, seed=seed)


@dataclass(frozen=True)
class RemoteFile:
    """One file of a study.

    Attributes
    ----------
    name : str
        What it is called in the folder.
    url : str
        Where it lives, by ``https`` or ``http``.
    sha256 : str
        The sum it must have, 64 hexadecimal digits.
    n_bytes : int or None
        Its size, where known: nothing longer is read.
    """

    name: str
    url: str
    sha256: str
    n_bytes: int | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            message = f"`name`: expected a plain file name, found `{self.name}`"
            raise ParameterError(message)
        if urlsplit(self.url).scheme not in ("http", "https"):
            message = f"`url`: expected an address by `https` or `http`, found `{self.url}`"
            raise ParameterError(message)
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            message = (
                f"`sha256`: expected 64 hexadecimal digits in lower case, found `{self.sha256}`"
            )
            raise ParameterError(message)


@dataclass(frozen=True)
class Study:
    """The files of a study, with what must be known before they are used.

    Attributes
    ----------
    name : str
        What it is called; the name of its folder.
    license : str
        Under which license the files may be used.
    citation : str
        What to cite.
    files : tuple of RemoteFile
        The files.

    Examples
    --------
    >>> study = Study.from_record({
    ...     "name": "mine", "license": "CC-BY-4.0", "citation": "Doe 2026",
    ...     "files": [{"name": "a.tsv", "url": "https://example.org/a.tsv", "sha256": "0" * 64}],
    ... })
    >>> study.files[0].name
    'a.tsv'
    """

    name: str
    license: str
    citation: str
    files: tuple[RemoteFile, ...]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            message = f"`name`: expected a plain folder name, found `{self.name}`"
            raise ParameterError(message)
        for name in ("license", "citation"):
            if not getattr(self, name).strip():
                message = f"`{name}`: study `{self.name}` does not state it"
                raise ParameterError(message)
        names = [one.name for one in self.files]
        if not names or len(set(names)) < len(names):
            message = f"`files`: expected one or more of different names, found {names}"
            raise ParameterError(message)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Study:
        """A study from a mapping with these words.

        Parameters
        ----------
        record
            ``name license citation files``, each file with ``name url sha256`` and, where known,
            ``n_bytes``.

        Returns
        -------
        Study
            The study.
        """
        try:
            files = tuple(RemoteFile(**one) for one in record["files"])
            return cls(**{**record, "files": files})
        except (KeyError, TypeError) as error:
            message = f"the record of a study is not one: {error}"
            raise InputError(message) from error

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Study:
        """A study from a JSON file.

        Parameters
        ----------
        path
            The file, with the words of :meth:`from_record`.

        Returns
        -------
        Study
            The study.
        """
        try:
            record = json.loads(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:
            message = f"`{path}` is not JSON: {error}"
            raise InputError(message) from error
        return cls.from_record(record)


class FetchedStudy(Mapping[str, Path]):
    """Where the files of a study are, by name, with license and citation.

    Attributes
    ----------
    study : Study
        What was fetched.
    """

    def __init__(self, study: Study, paths: Mapping[str, Path]) -> None:
        self.study = study
        self._paths = dict(paths)

    def __getitem__(self, name: str) -> Path:
        if name not in self._paths:
            message = f"study `{self.study.name}` has no file `{name}`: {', '.join(self._paths)}"
            raise ParameterError(message)
        return self._paths[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __repr__(self) -> str:
        told = f"license: {self.study.license}; cite: {self.study.citation}"
        return _core.printable(f"FetchedStudy({self.study.name!r}, {len(self)} files; {told})")

    def _repr_html_(self) -> str:
        return _html.facts(
            self.study.name,
            {
                "license": self.study.license,
                "cite": self.study.citation,
                "files": ", ".join(self._paths),
            },
        )


def cache_folder() -> Path:
    """Where fetched files are kept.

    Returns
    -------
    pathlib.Path
        ``$DONORMATCH_DATA``, or ``donormatch`` in ``$XDG_CACHE_HOME`` or ``~/.cache``.
    """
    if own := os.environ.get("DONORMATCH_DATA"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "donormatch"


def fetch_study(
    study: Study,
    *,
    folder: str | os.PathLike[str] | None = None,
    mirror: str | os.PathLike[str] | None = None,
    n_retries: int = 2,
    timeout: float = 60.0,
    progress: Progress | None = None,
) -> FetchedStudy:
    """The files of a study, downloaded where they are not there yet.

    Parameters
    ----------
    study
        What to fetch.
    folder
        Where to keep the files, in a folder of the study's name; :func:`cache_folder` by default.
    mirror
        Where to take them from instead of their homes: an address to which the names of study and
        file are added, or a local folder of that shape, whose files are used where they are.
    n_retries
        How often a broken transfer is tried again.
    timeout
        Seconds to wait for an answer.
    progress
        Called as ``progress(name, n_bytes_so_far, n_bytes_or_none)``.

    Returns
    -------
    FetchedStudy
        Paths by name, with license and citation.

    Raises
    ------
    InputError
        A file has not the sum that the study states; it is not kept.
    OSError
        A file cannot be had.
    """
    if n_retries < 0:
        message = f"`n_retries`: expected 0 or more, found {n_retries}"
        raise ParameterError(message)
    if mirror is not None and not _is_address(mirror):
        there = Path(mirror) / study.name
        paths = {file.name: there / file.name for file in study.files}
        for file in study.files:
            _check(_sum_of(paths[file.name]), file, str(paths[file.name]))
        return FetchedStudy(study, paths)
    into = (cache_folder() if folder is None else Path(folder)) / study.name
    into.mkdir(parents=True, exist_ok=True)
    paths = {}
    for file in study.files:
        path = paths[file.name] = into / file.name
        if path.exists() and _sum_of(path) == file.sha256:
            continue
        url = file.url
        if mirror is not None:
            url = f"{str(mirror).rstrip('/')}/{quote(study.name)}/{quote(file.name)}"
        _download(url, file, path, n_retries, timeout, progress)
    return FetchedStudy(study, paths)


def _is_address(mirror: str | os.PathLike[str]) -> bool:
    return isinstance(mirror, str) and urlsplit(mirror).scheme in ("http", "https")


def _download(
    url: str,
    file: RemoteFile,
    path: Path,
    n_retries: int,
    timeout: float,
    progress: Progress | None,
) -> None:
    """Into a file beside the path, which takes its place only with the right sum."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        for attempt in range(n_retries + 1):
            try:
                found = _transfer(url, file, part, timeout, progress)
                break
            except (OSError, HTTPException) as error:
                is_final = isinstance(error, urllib.error.HTTPError) and error.code < 500
                if is_final or attempt == n_retries:
                    message = f"cannot fetch `{file.name}` from {url}: {error}"
                    raise OSError(message) from error
                time.sleep(0.1 * 2**attempt)
        _check(found, file, url)
        part.replace(path)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()


def _transfer(
    url: str, file: RemoteFile, part: Path, timeout: float, progress: Progress | None
) -> str:
    """The SHA-256 of what came, which is in `part`."""
    request = urllib.request.Request(url, headers={"User-Agent": "donormatch"})
    with (
        urllib.request.urlopen(request, timeout=timeout) as answer,
        part.open("wb") as out,
    ):
        stated = answer.headers.get("Content-Length")
        promised = int(stated) if stated and stated.isdigit() else None
        most = MOST_BYTES if file.n_bytes is None else file.n_bytes
        sum_of, n_bytes = hashlib.sha256(), 0
        while chunk := answer.read(CHUNK):
            n_bytes += len(chunk)
            if n_bytes > most:
                message = f"`{file.name}` from {url} is longer than the {most} bytes expected"
                raise InputError(message)
            sum_of.update(chunk)
            out.write(chunk)
            if progress is not None:
                progress(file.name, n_bytes, promised)
        if promised is not None and n_bytes < promised:
            message = f"the transfer broke off after {n_bytes} of {promised} bytes"
            raise OSError(message)
    return sum_of.hexdigest()


def _sum_of(path: Path) -> str:
    sum_of = hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(CHUNK):
            sum_of.update(chunk)
    return sum_of.hexdigest()


def _check(found: str, file: RemoteFile, where: str) -> None:
    if found != file.sha256:
        message = (
            f"`{file.name}` from {where} has the SHA-256 {found}, expected {file.sha256}: the file "
            "was changed or damaged, and is not used"
        )
        raise InputError(message)
