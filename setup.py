"""What pyproject.toml cannot say: the casebook in postmortems/ ships as kb.data.casebook."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["kb", "kb.*"]), "kb.data.casebook"],
    package_dir={"kb.data.casebook": "postmortems"},
)
