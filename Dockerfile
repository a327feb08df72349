# distmat on the processor: docker build -t distmat . && docker run -p 127.0.0.1:8501:8501 distmat
# Read-only as it starts by itself: see compose.yaml for more.

FROM node:22-slim AS viewer
WORKDIR /viewer
COPY package.json package-lock.json .npmrc ./
RUN npm ci

FROM python:3.11-slim
# The address of an index of PyTorch without CUDA, which is 4 GB smaller; PyTorch's site names one.
ARG TORCH_INDEX=""
WORKDIR /source
COPY pyproject.toml constraints.txt hatch_build.py README.md LICENSE app.py package.json package-lock.json ./
COPY .streamlit .streamlit
COPY pages pages
COPY benchmark benchmark
COPY checkpoints checkpoints
COPY distmat distmat
COPY --from=viewer /viewer/node_modules/3dmol/build/3Dmol-min.js static/3Dmol-min.js
RUN if [ -n "$TORCH_INDEX" ]; then pip install --no-cache-dir -c constraints.txt --index-url "$TORCH_INDEX" torch; fi \
    && pip install --no-cache-dir -c constraints.txt '.[login,completion]' \
    && rm -rf /source/*
RUN useradd --create-home --uid 1000 distmat && install -d -o distmat /workspace
USER distmat
ENV DISTMAT_HOME=/workspace PYTHONUNBUFFERED=1
WORKDIR /workspace
VOLUME /workspace
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
# The variable, not an option, so that compose.yaml can take it away.
ENV DISTMAT_READ_ONLY=1
CMD ["distmat", "app", "--address", "0.0.0.0", "--no-browser"]
