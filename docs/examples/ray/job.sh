#!/bin/sh
# A Ray job on a cluster that is up (ray up, or ray start on each machine): the command runs on the head, its workers on
# all machines. /shared is a folder that all of them have. Where gensynth[ray] is installed on all machines already,
# leave out --runtime-env-json: the job starts sooner.
exec ray job submit --address "${RAY_API_SERVER_ADDRESS:-http://127.0.0.1:8265}" \
    --runtime-env-json '{"pip": ["gensynth[ray]"]}' -- \
    gensynth score /shared/model.gensynth /shared/transactions/ -o /shared/scored/ --engine ray --part-rows 250000
