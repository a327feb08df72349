#!/usr/bin/env bash
# A Slurm cluster of one node on this machine, for tests: `cluster.sh start FOLDER`, `… stop FOLDER`.
#
# Needs root and Debian's slurm-wlm and munge. Everything it writes lies in FOLDER; the programs
# find it by SLURM_CONF=FOLDER/slurm.conf. Other clusters of this machine are left alone.
set -euo pipefail
action=$1
folder=$2
node=$(hostname)

start() {
    mkdir -p "$folder"/{state,spool,munge}
    chmod 755 "$folder"
    head -c 1024 /dev/urandom > "$folder/munge/key"
    chmod 700 "$folder/munge"
    chmod 400 "$folder/munge/key"
    munged --key-file="$folder/munge/key" --socket="$folder/munge/socket" \
        --pid-file="$folder/munge/pid" --log-file="$folder/munge/log" \
        --seed-file="$folder/munge/seed" --force

    read -r controller daemon < <(python3 - <<'PYTHON'
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(one.getsockname()[1] for one in held))
PYTHON
    )
    cat > "$folder/slurm.conf" <<CONFIG
ClusterName=test
SlurmctldHost=$node(127.0.0.1)
SlurmctldPort=$controller
SlurmdPort=$daemon
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CryptoType=crypto/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,batch_sched_delay=0
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ReturnToService=2
KillWait=30
MinJobAge=10
JobRequeue=1
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(getconf _NPROCESSORS_ONLN) State=UNKNOWN
PartitionName=main Nodes=$node Default=YES MaxTime=INFINITE State=UP
CONFIG
    export SLURM_CONF=$folder/slurm.conf
    slurmctld
    slurmd -N "$node"
    for _ in $(seq 100); do
        if [ "$(sinfo --noheader --format=%t 2>/dev/null)" = idle ]; then
            exit 0
        fi
        sleep 0.2
    done
    echo "the cluster didn't start:" >&2
    tail -n 20 "$folder"/slurm*.log >&2
    exit 1
}

stop() {
    export SLURM_CONF=$folder/slurm.conf
    scancel --user=root --signal=KILL --full 2>/dev/null || true
    scancel --user=root 2>/dev/null || true
    sleep 0.5
    for file in slurmd.pid slurmctld.pid munge/pid; do
        if [ -s "$folder/$file" ]; then
            end "$(cat "$folder/$file")"
        fi
    done
}

end() {
    kill "$1" 2>/dev/null || return 0
    for _ in $(seq 25); do
        case $(ps -o stat= -p "$1") in
            "" | Z*) return 0 ;;
        esac
        sleep 0.2
    done
    kill -KILL "$1" 2>/dev/null || true
}

"$action"
