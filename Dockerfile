# One image for every command: worker, feed, topics.
FROM python:3.11.13-slim-bookworm AS build

# CPU wheels of torch: 0.2 GB instead of 5. Point it at another index for a GPU.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

ENV UV_PROJECT_ENVIRONMENT=/opt/groundswell UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_CACHE_DIR=/var/cache/uv
RUN pip install --no-cache-dir uv==0.8.14 && uv venv /opt/groundswell
WORKDIR /build

# What seldom changes comes first, so that a change of the code does not fetch torch again.
COPY pyproject.toml constraints.txt ./
RUN --mount=type=cache,target=/var/cache/uv \
    uv pip install --python /opt/groundswell --constraint constraints.txt \
        --index "${TORCH_INDEX}" --index-strategy unsafe-best-match --requirement pyproject.toml

COPY LICENSE README.md ./
COPY agents agents
COPY streams streams
RUN uv pip install --python /opt/groundswell --no-deps .


FROM python:3.11.13-slim-bookworm

LABEL org.opencontainers.image.title="Groundswell" \
      org.opencontainers.image.description="Watch opinion move while it moves." \
      org.opencontainers.image.licenses="Apache-2.0"

RUN useradd --system --uid 10001 --create-home groundswell
COPY --from=build /opt/groundswell /opt/groundswell
WORKDIR /srv/groundswell
COPY config/groundswell.toml config/groundswell.toml

# The model comes with the image; nothing is downloaded when it runs.
ENV PATH=/opt/groundswell/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_OFFLINE=1 \
    GROUNDSWELL_WEB__HOST=0.0.0.0

USER groundswell
EXPOSE 6066

# Alive is enough for a restart; whether it is behind is what /readyz and the alerts say.
HEALTHCHECK --interval=10s --timeout=5s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:6066/healthz', timeout=4)"]

STOPSIGNAL SIGTERM
ENTRYPOINT ["groundswell"]
CMD ["worker"]
