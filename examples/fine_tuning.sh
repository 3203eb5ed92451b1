#!/usr/bin/env bash
# Teach the default model new objects: examples/fine_tuning.sh [OUT] [PICTURES] [STEPS]
# The pictures are rendered, of four shapes that the default model never saw. Replace train.json by
# pictures of your own objects (docs/guides/fine_tuning.md).
set -euo pipefail
out=${1:-example_output/fine_tuning} pictures=${2:-50} steps=${3:-300}
python -m evf_sam_ros.sim.unseen "$out/data" --train "$pictures" --test "$pictures"
evf-sam data check "$out/data/train.json" --sheet "$out/sheet.png"
evf-sam train --recipe fine_tune --data "$out/data/train.json" -o "$out/run" --steps "$steps"
evf-sam evaluate --data "$out/data/test.json" --model "$out/run/model" --report "$out/report"
echo "use it: evf-sam segment PHOTO 'the red star' --model $out/run/model"
