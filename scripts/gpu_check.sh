#!/usr/bin/env bash
# Runs every check that needs a GPU, in one command: builds for this machine's GPU, compares every op with the CPU
# device, checks gradients, trains, runs the tests and compute-sanitizer, and times ops and training steps beside
# PyTorch's. Writes one compact report, OUT/gpu-DATE-CARD.md, and every log into OUT/logs.tar.gz.
#   scripts/gpu_check.sh [--device cuda|cpu] [--carry FOLDER] [--out DIR] [--minutes M] [--only REGEX] [--python P] [--quick]
#                        [--built]
# --carry    a folder made by scripts/lab/carry.sh, for machines where packages can't be installed
# --device   cpu: tries the script without a GPU
# --quick    a short version of each stage
# --only     only the stages whose names match, besides machine and build
# --built    build/gpu_check was built on another machine, at the same path
# Stages that check correctness run in parallel; stages that measure time run alone afterwards. A failed stage does not
# stop the others. A stage for which no time is left counts as failed. Exit code 1 if any stage has failed.
set -euo pipefail
. "$(dirname "$0")/help.sh"
export LC_ALL=C
cd "$(dirname "$0")/.."

command="scripts/gpu_check.sh $*"
device=cuda carry='' out=runs/gpu_check minutes=25 only='.*' python=python3 quick=0 built=0
while [[ $# -gt 0 ]]; do
  case $1 in
    --device | --carry | --out | --minutes | --only | --python)
      [[ -n ${2:-} ]] || { echo "gpu_check: $1 is given no value" >&2; exit 2; }
      printf -v "${1#--}" %s "$2"
      shift 2 ;;
    --quick) quick=1; shift ;;
    --built) built=1; shift ;;
    *) echo "gpu_check: unknown flag $1, expected --device, --carry, --out, --minutes, --only, --python, --quick or --built" >&2; exit 2 ;;
  esac
done
[[ $device == cuda || $device == cpu ]] || { echo "gpu_check: --device is \"$device\", expected cuda or cpu" >&2; exit 2; }
[[ $minutes =~ ^[0-9]+$ ]] || { echo "gpu_check: --minutes is \"$minutes\", expected a whole number" >&2; exit 2; }
[[ -z $carry || -d $carry/include ]] ||
  { echo "gpu_check: $carry has no include/; scripts/lab/carry.sh $carry fills it on a Debian machine" >&2; exit 2; }

build=build/gpu_check deadline=$((SECONDS + minutes * 60))
logs=$PWD/$build/logs
plans=$PWD/$build/plans  # cuDNN plans, chosen by timing: not shared between stages that run in parallel
rm -rf "$logs" "$plans"
mkdir -p "$logs" "$out"
of_quick() { if [[ $quick == 1 ]]; then echo "$1"; else echo "$2"; fi; }  # QUICK WHOLE

if [[ $device == cuda ]] && ! command -v nvcc >/dev/null; then PATH=/usr/local/cuda/bin:$PATH; fi
if [[ -n $carry ]]; then
  export LD_LIBRARY_PATH=$(cd "$carry" && pwd)/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
# the folder of NVIDIA's libraries in Python's packages, for libraries that the toolkit lacks
wheels=$("$python" -c 'import nvidia; print(list(nvidia.__path__)[0])' 2>/dev/null || true)
if [[ -n $wheels ]]; then
  for folder in "$wheels"/*/lib; do LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$folder; done
  export LD_LIBRARY_PATH
fi

# ---- running a stage -----------------------------------------------------------------------------

names=()

# run_stage NAME LIMIT: calls the function NAME, whose commands run for at most LIMIT seconds each, and writes result
# and seconds to a file. Exit code 77 of the function: skipped on this machine.
run_stage() {
  local name=$1 begun=$SECONDS status=0 left=$((deadline - SECONDS)) state
  stage_end=$((SECONDS + ($2 < left ? $2 : left)))
  if ((left < 15)); then
    echo "no time was left, of $minutes minutes" >"$logs/$name.log"
    state="**FAILED**: no time was left"
  else
    echo "gpu_check: $name"
    set +e
    (set -e; "$name") >"$logs/$name.log" 2>&1 </dev/null
    status=$?
    set -e
    case $status in
      0) state=passed ;;
      77) state="not run: $(tail -n 1 "$logs/$name.log")" ;;
      124 | 137) state="**FAILED**: stopped after $((SECONDS - begun)) s" ;;
      *) state="**FAILED**: exit code $status" ;;
    esac
  fi
  if [[ $state == *FAILED* ]]; then
    echo "gpu_check: !!!! $name: $state; the end of its log:" >&2
    tail -n 12 "$logs/$name.log" >&2
  fi
  printf '%s\t%s\n' "$((SECONDS - begun))" "$state" >"$logs/$name.state"
}

# together LIMIT NAME...: runs stages in parallel. The report is written after each stage, so that results are kept
# if the script is stopped.
together() {
  local limit=$1 name running=0
  shift
  for name; do
    if [[ ! $name =~ ^(machine|build)$ && ! $name =~ $only ]]; then continue; fi
    names+=("$name")
    run_stage "$name" "$limit" &
    ((++running))
  done
  while ((running > 0)); do
    wait -n || true  # the result is in a file; a missing file is reported at the end
    ((running--)) || true
    write_report
  done
}

limited() {  # COMMAND...: runs it for at most the stage's time
  local left=$((stage_end - SECONDS))
  timeout -k 5 $((left > 1 ? left : 1)) "$@"
}

not_run() { echo "$*"; exit 77; }

# ---- the stages ----------------------------------------------------------------------------------

machine() {
  uname -srm
  grep -m 1 'model name' /proc/cpuinfo || true
  echo "$(nproc) cores, $(awk '/MemTotal/ { print int($2 / 1048576) }' /proc/meminfo) GiB"
  g++ --version | head -n 1
  cmake --version | head -n 1
  "$python" -c 'from importlib.metadata import version; print("torch", version("torch"))' 2>/dev/null || echo "no torch"
  if [[ $device == cpu ]]; then return; fi
  nvcc --version | tail -n 2
  nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap,clocks.max.sm,clocks.max.mem,power.limit --format=csv
}

# header_of VARIABLE FILE: -DVARIABLE=FOLDER if only Python's packages have the header
header_of() {
  local toolkit
  toolkit=$(dirname "$(dirname "$(command -v nvcc)")")/include
  if g++ -E -x c++ -include "$2" -I"$toolkit" /dev/null >/dev/null 2>&1; then return; fi
  for folder in "$wheels"/*/include; do
    if [[ -f $folder/$2 ]]; then echo "-D$1=$folder"; return; fi
  done
  if [[ $2 == cudnn.h ]]; then echo "-DDYAD_CUDNN=OFF"; fi
}

build() {
  local flags=(-DCMAKE_BUILD_TYPE=Release -DDYAD_ONEDNN=OFF -DDYAD_MPI=OFF) keep_going=(-k)
  if command -v ninja >/dev/null; then flags+=(-G Ninja) keep_going=(-k 0); fi
  if command -v ccache >/dev/null; then
    flags+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache -DCMAKE_CUDA_COMPILER_LAUNCHER=ccache)
  fi
  if [[ -n $carry ]]; then flags+=("-DCMAKE_PREFIX_PATH=$(cd "$carry" && pwd)"); fi
  if [[ $device == cuda ]]; then
    flags+=(-DDYAD_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=native "-DCMAKE_CUDA_COMPILER=$(command -v nvcc)")
    local found
    mapfile -t found < <(header_of CUDNN_INCLUDE_DIR cudnn.h && header_of NCCL_INCLUDE_DIR nccl.h &&
      header_of CUBLASLT_INCLUDE_DIR cublasLt.h)
    flags+=("${found[@]}")
  fi
  if [[ $built == 1 ]]; then
    "$build/dyad" info
    return
  fi
  echo "cmake -S . -B $build ${flags[*]}"
  limited cmake -S . -B "$build" "${flags[@]}"
  limited cmake --build "$build" -j "$(nproc)" -- "${keep_going[@]}"
  "$build/dyad" info
}

parity() {
  if [[ $device == cpu ]]; then not_run "compares the GPU with the CPU; --device is cpu"; fi
  DYAD_CUDNN_CACHE=$plans/parity limited "$build/tests/dyad_tests" --source-file='*parity_test.cpp' | tee "$logs/parity.txt"
  if grep -q 'parity: 0 cards' "$logs/parity.txt"; then exit 1; fi
}

gradcheck() {
  limited "$build/dyad" gradcheck --device "$device" --op "$(of_quick '^(relu|linear|conv2d.*|batch_norm)$' '.*')"
}

pretrain_on() {  # DEVICE NAME [FLAGS...]: writes the losses to $logs/losses-NAME.jsonl
  local run=$build/run-$2
  rm -rf "$run"
  DYAD_CUDNN_CACHE=$plans/training limited "$build/dyad" pretrain --data data/samples --run "$run" --device "$1" "${@:3}" --seed 1 --arch resnet10 --width 0.5 \
    --batch "$(of_quick 32 128)" --steps "$(of_quick 20 200)" --optimizer sgd --lr 0.02 || return
  cp "$run/metrics.jsonl" "$logs/losses-$2.jsonl"
}

training() {
  if [[ $device == cuda ]]; then
    pretrain_on cuda cuda >"$logs/training-cuda.log" 2>&1 &
    local beside=$!
  fi
  local status=0
  pretrain_on cpu cpu || status=$?
  if [[ $device == cuda ]]; then wait "$beside" || status=$?; fi
  [[ $status == 0 ]] || return "$status"
  "$python" scripts/lab/compare_losses.py "$logs/losses-cpu.jsonl" "$logs/losses-$device.jsonl"
}

# Trains with the step as one CUDA graph, and with pixels sent with each batch. Losses must equal those of the
# training above.
graph() {
  if [[ $device == cpu ]]; then not_run "the CPU device has no graphs"; fi
  [[ -f $logs/losses-cuda.jsonl ]] || pretrain_on cuda cuda
  pretrain_on cuda graph --graph
  pretrain_on cuda sent --resident off
  local name
  for name in graph sent; do
    "$python" scripts/lab/compare_losses.py --equal "$logs/losses-cuda.jsonl" "$logs/losses-$name.jsonl"
  done
}

# The typical use: a ResNet-18 is trained on data/samples, in bf16 and as one CUDA graph, and evaluated.
learning() {
  local run=$build/run-learning flags=(--arch resnet18 --epochs 100)
  if [[ $quick == 1 ]]; then flags=(--arch resnet10 --width 0.25 --steps 5); fi
  rm -rf "$run"
  if [[ $device == cuda ]]; then flags+=(--dtype bf16 --graph); fi
  limited "$build/dyad" pretrain --data data/samples --run "$run" --device "$device" --seed 1 --batch 256 --tau 0.2 \
    --optimizer adamw --lr 0.002 "${flags[@]}"
  limited "$build/dyad" eval --data data/samples --run "$run" --device "$device"
  cp "$run/metrics.jsonl" "$logs/learning.jsonl"
  cp "$run/eval.json" "$logs/learning.json"
  cp "$run/report.html" "$logs/learning.html"
}

pytorch() {
  limited "$python" -c 'import torch, torchvision, safetensors' || not_run "$python has no torch, torchvision and safetensors"
  local beside=(limited "$python" scripts/compare_pytorch.py --device "$device" --python "$python"
    --native "$build/dyad" --rounds "$(of_quick 2 5)" --steps "$(of_quick 1 20)" --batch "$(of_quick 16 1024)")
  if [[ $quick == 1 ]]; then beside+=(--no-compile); fi
  if [[ $device == cuda ]]; then
    echo "bf16" && "${beside[@]}" --dtype bf16 --out "$logs/step-bf16.json"
    echo "bf16, ResNet-50 of 224 x 224 pixels"
    "${beside[@]}" --dtype bf16 --arch resnet50 --size 224 --batch "$(of_quick 16 256)" --no-compile --out "$logs/step-resnet50.json"
    echo "TF32" && "${beside[@]}" --tf32 --out "$logs/step-tf32.json"
  fi
  echo "f32" && "${beside[@]}" --no-compile --deterministic --out "$logs/step-f32.json"
}

bench_ops() {
  local ops=("$build/dyad" bench ops --device "$device" --cache warm --rounds 1 --repeat "$(of_quick 1 20)")
  limited "${ops[@]}" --op "$(of_quick '^(relu|linear/no bias|l2_normalize|softmax_cross_entropy)$' '.*')" --json "$logs/ops-f32.json"
  if [[ $quick == 0 ]]; then limited "${ops[@]}" --dtype bf16 --json "$logs/ops-bf16.json"; fi
}

# Times whole steps, by phase and as one CUDA graph.
bench_step() {
  local step=("$build/dyad" bench step --device "$device") arch
  if [[ $quick == 1 ]]; then
    limited "${step[@]}" --arch resnet10 --width 0.25 --batch 8 --steps 2
    return
  fi
  for arch in resnet18 resnet50; do
    limited "${step[@]}" --arch "$arch" --dtype bf16
    if [[ $device == cuda ]]; then limited "${step[@]}" --arch "$arch" --dtype bf16 --graph; fi
  done
}

pytorch_ops() {
  limited "$python" -c 'import torch' || not_run "$python has no torch"
  [[ -f $logs/ops-f32.json ]] || { echo "bench_ops wrote no times to compare with PyTorch's"; return 1; }
  local dtype
  for dtype in f32 bf16; do
    if [[ -f $logs/ops-$dtype.json ]]; then
      echo "$dtype:"
      limited "$python" scripts/lab/pytorch_ops.py "$logs/ops-$dtype.json"
    fi
  done
}

# Times each kernel of a step with Nsight Compute, after a run in which cuDNN's plans are chosen.
kernel_times() {
  if [[ $device == cpu ]]; then not_run "times kernels of the GPU; --device is cpu"; fi
  command -v ncu >/dev/null || not_run "no ncu"
  local dtype images step
  images=$(of_quick 64 1024)
  for dtype in bf16 f32; do
    step=("$build/dyad" bench step --serve --optimizer sgd --batch $((images / 2)) --size 32 --device cuda --dtype "$dtype")
    echo "go 3" | limited "${step[@]}"
    echo "go 2" | limited ncu --csv --page raw --clock-control none \
      --metrics gpu__time_duration.sum,dram__bytes_read.sum,dram__bytes_write.sum \
      "${step[@]}" >"$logs/ncu-$dtype.csv"
    echo "$dtype, $images images:"
    "$python" scripts/lab/kernel_times.py "$logs/ncu-$dtype.csv"
  done
}

tests() {
  DYAD_CUDNN_CACHE=$plans/tests limited ctest --test-dir "$build" -j "$(nproc)" --output-on-failure \
    -R "$(of_quick '^(cards|bench_ops|cli|convolution|tape)$' '.*')"
}

sanitizer() {  # TOOL: runs every card's forward and backward in f32
  if [[ $device == cpu ]]; then not_run "compute-sanitizer needs a GPU; --device is cpu"; fi
  command -v compute-sanitizer >/dev/null || not_run "no compute-sanitizer"
  local flags=(--report-api-errors no)
  if [[ -d $plans/parity ]]; then cp -r "$plans/parity" "$plans/$1"; fi
  # check our kernels, not the vendors'; but initcheck must see the writes of both
  if [[ $1 != initcheck ]]; then flags+=(--kernel-name kns=kernels --kernel-name-exclude kns=cudnn); fi
  DYAD_CUDNN_CACHE=$plans/$1 limited compute-sanitizer --tool "$1" "${flags[@]}" --error-exitcode 1 --print-limit 20 \
    "$build/tests/dyad_tests" --source-file='*parity_test.cpp' --test-case="*the GPU's f32*"
}
memcheck() { sanitizer memcheck; }
racecheck() { sanitizer racecheck; }
initcheck() { sanitizer initcheck; }
synccheck() { sanitizer synccheck; }

# ---- the report ----------------------------------------------------------------------------------

card=cpu
if [[ $device == cuda ]]; then
  card=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1 | tr -c 'A-Za-z0-9\n' - || true)
fi
report=$out/gpu-$(date +%Y-%m-%dT%H%M)-${card:-none}.md

write_report() {
  "$python" scripts/lab/gpu_report.py "$logs" "${names[@]}" --title "dyad on ${card:-no card}, $(date '+%Y-%m-%d %H:%M')" \
    --command "$command" >"$report"
  tar -czf "$out/logs.tar.gz" -C "$logs" . 2>/dev/null || [[ $? == 1 ]]  # 1: a log file grew meanwhile
}
state_of() { if [[ -f $logs/$1.state ]]; then cut -f2- "$logs/$1.state"; else echo running; fi; }

# ---- main ----------------------------------------------------------------------------------------

together 30 machine
together 600 build
export OMP_WAIT_POLICY=passive OMP_NUM_THREADS=4  # stages run in parallel and share the cores
together 240 parity gradcheck training tests
together 150 graph memcheck racecheck synccheck initcheck
unset OMP_WAIT_POLICY OMP_NUM_THREADS
together 240 bench_ops
together 60 bench_step
together 180 pytorch_ops
together 360 pytorch
together 150 learning
together 180 kernel_times

passed=$(grep -l $'\tpassed' "$logs"/*.state | wc -l || true)
failures=0
for name in "${names[@]}"; do
  if [[ $(state_of "$name") =~ FAILED|^running$ ]]; then ((++failures)); fi
done
echo "gpu_check: $passed passed, $failures failed, $((${#names[@]} - passed - failures)) not run; $report"
[[ $failures == 0 ]]
