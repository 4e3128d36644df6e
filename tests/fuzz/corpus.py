#!/usr/bin/python3
"""A corpus between its file in the repository (an input a line, in hexadecimal) and the folder that libFuzzer works in.

corpus.py unpack FILE FOLDER     corpus.py pack FOLDER FILE
"""
import hashlib
import pathlib
import sys


def unpack(file, folder):
    folder.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        return
    for line in file.read_text().splitlines():
        data = bytes.fromhex(line)
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


def pack(folder, file):
    lines = {path.read_bytes().hex() for path in folder.iterdir() if path.is_file()}
    file.write_text("".join(line + "\n" for line in sorted(lines, key=lambda line: (len(line), line)) if line))


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("pack", "unpack"):
        sys.exit(__doc__)
    globals()[sys.argv[1]](pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
