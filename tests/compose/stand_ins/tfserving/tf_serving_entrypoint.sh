#!/bin/bash
# As in the official image: the shell stays, and the flags given come last.
tensorflow_model_server --port=8500 --rest_api_port=8501 --model_name="${MODEL_NAME}" \
    --model_base_path="${MODEL_BASE_PATH}/${MODEL_NAME}" "$@"
