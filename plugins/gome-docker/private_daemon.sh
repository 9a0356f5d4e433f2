#!/usr/bin/env bash
# A Docker daemon of its own for the tests: no network, no iptables, its own folder and socket, and a base image that needs no registry.
#
#   eval "$(plugins/gome-docker/private_daemon.sh start)"     install what is missing (Debian, root), start, import the image, print exports
#   plugins/gome-docker/private_daemon.sh stop                end it by its pid file
#
# Every long part is bounded in time; where a part fails, one line on stderr says which, and the exit code is 1.
set -euo pipefail

FOLDER="${GOME_DOCKER_FOLDER:-/var/tmp/gome-dockerd}"
SOCKET="unix://$FOLDER/docker.sock"
IMAGE="gome-debian:bookworm"
MIRROR="${GOME_DEBIAN_MIRROR:-http://deb.debian.org/debian}"

give_up() { echo "private_daemon.sh: $1" >&2; exit 1; }
running() { [ -f "$FOLDER/docker.pid" ] && kill -0 "$(cat "$FOLDER/docker.pid")" 2> /dev/null; }

start() {
    [ "$(id -u)" = 0 ] || give_up "a daemon needs root"
    if ! command -v dockerd > /dev/null || ! command -v debootstrap > /dev/null; then
        command -v apt-get > /dev/null || give_up "dockerd and debootstrap are missing, and there is no apt-get to install them"
        { timeout 120 apt-get update -qq && timeout 300 apt-get install -y -qq --no-install-recommends docker.io debootstrap; } > /dev/null 2>&1 \
            || give_up "docker.io and debootstrap could not be installed"
    fi
    mkdir -p "$FOLDER/data" "$FOLDER/exec"
    if ! running; then
        rm -f "$FOLDER/docker.pid"
        nohup dockerd --data-root "$FOLDER/data" --exec-root "$FOLDER/exec" --pidfile "$FOLDER/docker.pid" -H "$SOCKET" \
            --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false --bridge=none --userland-proxy=false \
            > "$FOLDER/log" 2>&1 &
    fi
    for _ in $(seq 150); do
        DOCKER_HOST="$SOCKET" docker version > /dev/null 2>&1 && break
        sleep 0.2
    done
    DOCKER_HOST="$SOCKET" docker version > /dev/null 2>&1 || give_up "dockerd did not come up within 30 s: $(tail -n 1 "$FOLDER/log")"
    if ! DOCKER_HOST="$SOCKET" docker image inspect "$IMAGE" > /dev/null 2>&1; then
        rm -rf "$FOLDER/base"
        timeout 600 debootstrap --variant=minbase bookworm "$FOLDER/base" "$MIRROR" > "$FOLDER/debootstrap.log" 2>&1 \
            || give_up "debootstrap did not finish within 10 minutes: $(tail -n 1 "$FOLDER/debootstrap.log")"
        tar -C "$FOLDER/base" -c . | DOCKER_HOST="$SOCKET" docker import - "$IMAGE" > /dev/null || give_up "docker import failed"
        rm -rf "$FOLDER/base"
    fi
    echo "export GOME_TEST_DOCKER=$SOCKET GOME_TEST_DOCKER_BASE=$IMAGE"
}

stop() {
    running || return 0
    pid="$(cat "$FOLDER/docker.pid")"
    kill "$pid"
    for _ in $(seq 100); do
        kill -0 "$pid" 2> /dev/null || return 0
        sleep 0.1
    done
    give_up "dockerd (pid $pid) did not end within 10 s"
}

case "${1:-}" in
    start) start ;;
    stop) stop ;;
    *) give_up "say start or stop" ;;
esac
