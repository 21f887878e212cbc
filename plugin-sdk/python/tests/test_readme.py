"""The examples of the README and of the page on plugins in Python do what they say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
PAGE = HERE / "../../../docs/plugins-python.md"
TEMPLATE = HERE.parent / "template"
TEMPLATES = HERE.parent.parent / "templates"
OF_OTHERS = {".go", ".js", ".rs"}
SOURCE = HERE.parent / "src"
CACHES = {"__pycache__", ".ruff_cache", ".mypy_cache", ".pytest_cache"}


def run_pytest(folder: Path, *path: Path) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    environment = {"PYTHONPATH": ":".join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_the_example_of_the_readme_is_complete(tmp_path: Path) -> None:
    files = re.findall(r"^`([\w./]+)`[^\n]*:\n\n```\w+\n(.*?)^```", README.read_text(), re.M | re.S)
    assert [name for name, _ in files] == [
        "busy.py",
        "fixtures/share.json",
        "test_busy.py",
        "pyproject.toml",
    ]
    for name, text in files:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert "1 passed" in run_pytest(tmp_path, SOURCE, tmp_path)


def test_the_snippets_of_the_page_run() -> None:
    given = re.search(r"^`busy.py`:\n\n```python\n(.*?)^```", README.read_text(), re.M | re.S)
    assert given is not None
    snippets = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    known: dict[str, object] = {"__name__": "page"}
    exec(given[1], known)
    exec("from leadsman_plugin import *\nfrom datetime import timedelta", known)
    declared, *rest = snippets
    assert declared.splitlines()[0] in given[1]
    assert len(rest) == 2
    for snippet in rest:
        exec(snippet, known)


@pytest.mark.parametrize("template", sorted(path.name for path in TEMPLATES.glob("*/")))
def test_a_template_is_a_project_whose_tests_pass(template: str, tmp_path: Path) -> None:
    files = {
        path: path.relative_to(folder)
        for folder in (TEMPLATE, TEMPLATES / template)
        for path in folder.rglob("*")
        if path.is_file() and not CACHES.intersection(path.parts)
    }
    for path, name in files.items():
        if path.parent == TEMPLATES / template and path.suffix in OF_OTHERS:
            continue
        made = tmp_path / name
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(path.read_text().replace("{{name}}", "error-ratio"))
    # As `leadsman plugin new` puts it there.
    vendor = tmp_path / "vendor/leadsman-plugin"
    vendor.mkdir(parents=True)
    (vendor / "src").symlink_to(SOURCE)
    count = len(list((TEMPLATES / template / "fixtures").glob("*.json")))
    assert f"{count} passed" in run_pytest(tmp_path)
