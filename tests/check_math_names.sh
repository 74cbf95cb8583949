#!/usr/bin/env bash
# Generates programs that call each function of CUDA's math that the SIMT layer knows, in f32 and f64, and runs them: with
# <cmath> or <math.h> before or after kernels/simt.h or not at all, in a namespace of their own, with and without
# `using namespace kernels`. A call must compile, have the type of its argument, and give what the C library gives in f64.
#   tests/check_math_names.sh COMPILER
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# NAME ARGUMENTS EXPECTED-IN-F64. The f32 function is called by the same name and by NAMEf.
functions='
acos 0.3; acosh 1.3; asin 0.3; asinh 0.3; atan 0.3; atan2 0.3,0.7; atanh 0.3; cbrt 2.5; ceil 1.3; copysign 1.5,-2.0;
cos 0.3; cosh 0.3; erf 0.3; erfc 0.3; exp 0.3; exp2 0.3; expm1 0.3; fabs -1.5; fdim 2.5,1.25; floor 1.7;
fma 1.5,2.5,0.5; fmax 1.5,2.5; fmin 1.5,2.5; fmod 5.3,2.0; hypot 3.0,4.0; lgamma 2.5; log 1.7; log10 1.7; log1p 0.7;
log2 1.7; logb 5.0; nearbyint 1.7; nextafter 1.0,2.0; pow 1.5,2.5; remainder 5.3,2.0; rint 1.7; round 1.5; sin 0.3;
sinh 0.3; sqrt 1.7; tan 0.3; tanh 0.3; tgamma 2.5; trunc 1.7'
of_cuda='
rsqrt 2.0 1/std::sqrt(2.0); rcbrt 2.0 1/std::cbrt(2.0); exp10 0.3 std::pow(10,0.3); sinpi 0.3 std::sin(0.3*3.141592653589793);
cospi 0.3 std::cos(0.3*3.141592653589793)'

each() { tr ';' '\n' <<<"$1" | awk 'NF'; }
floats() { sed -E 's/([0-9]\.[0-9]+)/\1f/g' <<<"$1"; }
calls() {
  local name arguments expected
  each "$functions" | while read -r name arguments; do
    echo "same<double>(\"$name\", $name($arguments), std::$name($arguments));"
    echo "same<float>(\"$name of f32\", $name($(floats "$arguments")), std::$name($arguments));"
    echo "same<float>(\"${name}f\", ${name}f($(floats "$arguments")), std::$name($arguments));"
  done
  each "$of_cuda" | while read -r name arguments expected; do
    echo "same<double>(\"$name\", $name($arguments), $expected);"
    echo "same<float>(\"${name}f\", ${name}f($(floats "$arguments")), $expected);"
  done
  cat <<'END'
same<int>("max", max(2, 3), 3); same<int>("min", min(2, 3), 2);
same<unsigned>("max", max(2u, 3u), 3); same<long long>("min", min(2ll, 3ll), 2);
same<float>("max", max(2.0f, 3.0f), 3); same<double>("min", min(2.0, 3.0), 2);
same<int>("abs", abs(-2), 2); same<float>("abs", abs(-2.0f), 2); same<double>("abs", abs(-2.0), 2);
same<float>("fmaxf", fmaxf(2, 3.0f), 3); same<float>("ldexp", ldexp(1.5f, 2), 6); same<double>("scalbn", scalbn(1.5, 2), 6);
same<int>("ilogb", ilogb(8.0), 3); same<long>("lrint", lrint(2.5f), 2); same<long>("lround", lround(2.5), 3);
same<bool>("isnan", isnan(2.0f), 0); same<bool>("isinf", isinf(2.0), 0); same<bool>("isfinite", isfinite(2.0f), 1);
float s = 0, c = 0; sincosf(0.3f, &s, &c); same<float>("sincosf", s, std::sin(0.3)); same<float>("sincosf", c, std::cos(0.3));
double ds = 0, dc = 0; sincos(0.3, &ds, &dc); same<double>("sincos", ds, std::sin(0.3));
same<float>("__expf", __expf(0.3f), std::exp(0.3)); same<float>("__logf", __logf(1.7f), std::log(1.7));
same<float>("__fdividef", __fdividef(1.0f, 3.0f), 1 / 3.0); same<float>("__saturatef", __saturatef(2.0f), 1);
same<unsigned>("__umulhi", __umulhi(1u << 31, 4u), 2); same<int>("__popc", __popc(7u), 3); same<int>("__clz", __clz(1), 31);
same<int>("__ffs", __ffs(8), 4); same<int>("__float2int_rn", __float2int_rn(2.5f), 2);
same<float>("__int_as_float", __int_as_float(__float_as_int(1.5f)), 1.5);
same<float>("__uint_as_float", __uint_as_float(__float_as_uint(1.5f)), 1.5);
END
}

program() {  # BEFORE, AFTER: lines around the include of simt.h
  printf '%s\n#include "kernels/simt.h"\n%s\n' "$1" "$2"
  cat <<'END'
#include <cmath>
#include <cstdio>
#include <type_traits>
static int wrong = 0;
template <class T, class Got>
void same(const char* name, Got got, double expected) {
  static_assert(std::is_same_v<Got, T>);
  if (std::fabs(double(got) - expected) <= (sizeof(T) == 4 ? 1e-6 : 1e-14) * (1 + std::fabs(expected))) return;
  ++wrong, std::printf("%s: %.17g, expected %.17g\n", name, double(got), expected);
}
END
  printf 'namespace mine { namespace {\n%s\n__global__ void k(float*) {\n%s\n}\n} void run() { k(nullptr); } }\n' "$3" "$(calls)"
  echo 'int main() { mine::run(); return wrong != 0; }'
}

count=0
for before in '' '#include <cmath>' '#include <math.h>'; do
  for after in '' '#include <math.h>'; do
    for using in '' 'using namespace kernels;'; do
      program "$before" "$after" "$using" >"$work/p.cpp"
      if ! "$compiler" -std=c++20 -Wall -Wextra -Werror -O1 -I. "$work/p.cpp" -o "$work/p" >"$work/log" 2>&1 || ! "$work/p" >>"$work/log"; then
        echo "before \"$before\", after \"$after\", \"$using\":"
        grep -m 5 -E "error|warning|undefined|expected" "$work/log"
        exit 1
      fi
      count=$((count + 1))
    done
  done
done
echo "$count programs compile and give the right values"
