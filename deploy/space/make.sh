#!/usr/bin/env bash
# Makes the files of a Hugging Face Space: deploy/space/make.sh FOLDER, a clone of the empty Space.
# It is this repository with another README and the root's Dockerfile, which starts read-only.
set -euo pipefail
target=${1:?give the folder of the Space}
cd "$(dirname "$0")/../.."
mkdir -p "$target"
for part in Dockerfile .dockerignore pyproject.toml constraints.txt hatch_build.py LICENSE app.py package.json \
    package-lock.json .npmrc .streamlit pages benchmark checkpoints distmat; do
    cp -R "$part" "$target/"
done
find "$target" -name __pycache__ -type d -prune -exec rm -rf {} +
cp deploy/space/README.md "$target/README.md"
echo "Now commit and push $target; files over 10 MB go by git-lfs."
