#!/usr/bin/env bash
# Evaluate a model and compare two precisions: examples/evaluation.sh [OUT] [SCENES]
# The data are rendered, in the files of gRefCOCO. Replace $out/data by a folder with the real ones
# (docs/guides/evaluation.md).
set -euo pipefail
out=${1:-example_output/evaluation} scenes=${2:-24}
python -m evf_sam_ros.evaluation.tabletop_files "$out/data" --scenes "$scenes"
for precision in fp32 bf16; do
    evf-sam evaluate --data "$out/data" --split grefcoco/val --precision "$precision" \
        --report "$out/$precision"
done
evf-sam compare "$out/fp32" "$out/bf16" --report "$out/difference"
