# The installed commands on the complete lock, for a CPU or for NVIDIA's GPUs:
#   docker build --tag sagan-tf [--build-arg DEVICE=gpu] .
FROM python:3.13-slim
ARG DEVICE=cpu
WORKDIR /source
COPY requirements.txt ./
# CUDA's libraries come with an extra, in the version that the lock has.
RUN case "$DEVICE" in \
      cpu) set -- ;; \
      gpu) set -- -c requirements.txt 'tensorflow[and-cuda]' ;; \
      *) echo "DEVICE should be cpu or gpu. Received: $DEVICE" >&2; exit 2 ;; \
    esac; \
    pip install --no-cache-dir -r requirements.txt "$@"
COPY LICENSE README.md pyproject.toml setup.py ./
COPY configs configs/
COPY sagan_tf sagan_tf/
RUN pip wheel --no-build-isolation --no-deps --wheel-dir=wheels . && \
    pip install --no-cache-dir --no-deps wheels/*.whl
RUN useradd --create-home --uid=1000 sagan
USER 1000
WORKDIR /home/sagan
ENTRYPOINT ["sagan-train"]
