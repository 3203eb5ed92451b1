#!/usr/bin/env bash
# Answer, draw and save masks by the command line: examples/command_line.sh [OUT]
set -euo pipefail
answered() { "$@" || test $? -eq 1; }  # exit code 1: not everything is found, which is an answer
out=${1:-example_output/command_line}
python -m evf_sam_ros.evaluation.tabletop_files "$out/data" --scenes 1      # one rendered picture
picture=$(find "$out/data/images" -name "*.png" | head -n 1)
answered evf-sam segment "$picture" "the pink bowl" "the purple capsule" -o "$out/drawn.png" --mask "$out/mask.png"
answered evf-sam segment "$picture" "the green mug" --json > "$out/answer.json"
echo "see $out/drawn.png, $out/mask.png and $out/answer.json"
