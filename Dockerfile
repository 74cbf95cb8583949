# dyad in a container of Debian 12.
#   docker build -t dyad .
#   docker run --rm -v "$PWD/runs:/runs" dyad pretrain --data data/samples --run /runs/first
# With CUDA, where the host has NVIDIA's driver and container toolkit:
#   docker build -t dyad:cuda --build-arg DEVICE=cuda .
#   docker run --rm --gpus all -v "$PWD/runs:/runs" dyad:cuda pretrain --device cuda --data data/samples --run /runs/first
# Build arguments:
#   DEVICE     cpu | cuda
#   DYAD_ARCH  x86-64-v3 (any CPU with AVX2) | x86-64-v4 (AVX-512) | generic; `native` is for an image that stays on its machine
#   CUDA_ARCH  what nvcc compiles for; empty: what the preset cuda names
#   CUDA       NVIDIA's image that the toolkit, cuDNN and NCCL are taken from
# No container engine has built this file yet. In a fresh Debian 12 root its packages were installed, both presets were
# configured, and 151 objects of the CPU build and one CUDA kernel were compiled; nothing was linked there.
ARG DEVICE=cpu
ARG CUDA=nvidia/cuda:13.0.1-cudnn-devel-ubuntu24.04

FROM debian:12 AS toolkit-cpu
RUN mkdir /toolkit

# Only the toolkit is taken from NVIDIA's image: the names in scripts/packages.txt are Debian's.
FROM ${CUDA} AS toolkit-cuda
RUN cp -a "$(readlink -f /usr/local/cuda)" /toolkit \
    && find /usr/include -name 'cudnn*.h' -exec cp -L {} /toolkit/include ';' \
    && cp -L /usr/include/nccl.h /toolkit/include \
    && cp -a /usr/lib/x86_64-linux-gnu/libcudnn*.so* /usr/lib/x86_64-linux-gnu/libnccl.so* /toolkit/lib64

FROM toolkit-${DEVICE} AS toolkit

FROM debian:12
ARG DEVICE
ARG DYAD_ARCH=x86-64-v3
ARG CUDA_ARCH=
COPY --from=toolkit /toolkit /usr/local/cuda
ENV PATH=/dyad/build/${DEVICE}:/usr/local/cuda/bin:$PATH \
    LD_LIBRARY_PATH=/usr/local/cuda/lib64 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /dyad
COPY scripts/install.sh scripts/packages.txt scripts/
RUN if [ "$DEVICE" = cuda ]; then scripts/install.sh --cuda; else scripts/install.sh; fi \
    && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset "$DEVICE" -DDYAD_ARCH="$DYAD_ARCH" ${CUDA_ARCH:+-DCMAKE_CUDA_ARCHITECTURES="$CUDA_ARCH"} \
    && cmake --build --preset "$DEVICE" --target dyad -- --quiet \
    && dyad --version
ENTRYPOINT ["dyad"]
CMD ["--help"]
