#!/bin/sh
# Bring up one Apache Kafka node from Maven Central artifacts, for development and tests. See usage below.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
version=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/pom.xml")

usage() {
    cat <<USAGE
usage: kafka.sh fetch | start | stop | status | clean   [--port P] [--dir D]

  fetch    download Apache Kafka $version with Maven (about 45 MB), once
  start    fetch if needed, start the node, wait until it answers; does nothing when it runs already
  stop     stop the node, keep its data
  status   say whether it runs; exit 0 if so, 3 if not
  clean    stop the node and delete its data

  --port P   port on 127.0.0.1 (default: KAFKA_PORT or 19092); P+1 is taken for the controller
  --dir D    data, settings and log (default: KAFKA_DIR or .kafka in the repository)
USAGE
}

fail() { printf 'kafka.sh: %s\n' "$2" >&2; exit "$1"; }

command=${1:-}
[ $# -gt 0 ] && shift
port=${KAFKA_PORT:-19092}
root=${KAFKA_DIR:-$repository/.kafka}
while [ $# -gt 0 ]; do
    case $1 in
        --port) [ $# -ge 2 ] || fail 2 "--port needs a number"; port=$2; shift 2 ;;
        --dir) [ $# -ge 2 ] || fail 2 "--dir needs a folder"; root=$2; shift 2 ;;
        *) usage >&2; fail 2 "unknown option $1" ;;
    esac
done
case $port in
    '' | *[!0-9]*) fail 2 "--port: expected a number, got '$port'" ;;
esac
[ "$port" -ge 1024 ] && [ "$port" -le 65534 ] || fail 2 "--port: expected 1024 to 65534, got $port"

libs=$repository/.kafka/libs-$version
node=$root/node-$port
pid_file=$node/kafka.pid
log=$node/kafka.log # of this start

need_java() {
    command -v java >/dev/null 2>&1 \
        || fail 2 "java is missing. Install a Java runtime 17 or newer (Debian: apt-get install openjdk-17-jre-headless)."
    major=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
    [ "${major:-0}" -ge 17 ] || fail 2 "Kafka $version needs Java 17 or newer, found ${major:-unknown}."
}

need_maven() {
    command -v mvn >/dev/null 2>&1 || fail 2 "mvn is missing. Install Maven 3 (Debian: apt-get install maven)."
}

fetch() {
    [ -f "$libs/.complete" ] && return 0
    need_java
    need_maven
    printf 'kafka.sh: downloading Apache Kafka %s\n' "$version"
    mkdir -p "$libs"
    mvn --batch-mode --quiet -f "$here/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$libs" \
        || fail 1 "the download failed; Maven's message is above. Is Maven Central, or the mirror in ~/.m2/settings.xml, reachable?"
    touch "$libs/.complete"
}

running_pid() {
    [ -f "$pid_file" ] || return 1
    pid=$(cat "$pid_file")
    # The number may have gone to another program since.
    ps -o args= -p "$pid" 2>/dev/null | grep -qF "$node/server.properties" && echo "$pid"
}

run_java() { java -cp "$libs/*" -Dlog4j2.configurationFile="$here/log4j2.properties" "$@"; }

write_settings() {
    mkdir -p "$node"
    sed -e "s:@PORT@:$port:g" -e "s:@CONTROLLER_PORT@:$((port + 1)):g" -e "s:@DIR@:$node:g" \
        "$here/server.properties.template" >"$node/server.properties"
    [ -f "$node/data/meta.properties" ] && return 0
    id=$(run_java kafka.tools.StorageTool random-uuid 2>/dev/null | tail -n 1)
    run_java kafka.tools.StorageTool format --standalone -t "$id" -c "$node/server.properties" >>"$log" 2>&1 \
        || fail 1 "the data folder could not be formatted; see $log"
}

wait_until_ready() {
    tries=0
    while [ $tries -lt 300 ]; do
        running_pid >/dev/null || fail 1 "the node ended; the end of its log: $(tail -n 3 "$log")"
        # The broker unfences itself after it has caught up with the controller: only then clients get answers.
        grep -q 'Kafka Server started' "$log" && return 0
        sleep 0.1
        tries=$((tries + 1))
    done
    fail 1 "the node did not become ready in 30 s; see $log"
}

start() {
    if pid=$(running_pid); then
        printf 'kafka.sh: Apache Kafka %s already runs on 127.0.0.1:%s (process %s)\n' "$version" "$port" "$pid"
        return 0
    fi
    need_java
    fetch
    mkdir -p "$node"
    : >"$log"
    write_settings
    # A session of its own: the node outlives the terminal, and Ctrl-C there.
    detach=$(command -v setsid || command -v nohup)
    "$detach" java -Xms256m -Xmx1g -XX:+UseG1GC -cp "$libs/*" -Dlog4j2.configurationFile="$here/log4j2.properties" \
        kafka.Kafka "$node/server.properties" >>"$log" 2>&1 </dev/null &
    echo $! >"$pid_file"
    wait_until_ready
    printf 'kafka.sh: Apache Kafka %s runs on 127.0.0.1:%s (process %s, log %s)\n' "$version" "$port" "$(cat "$pid_file")" "$log"
}

stop() {
    if ! pid=$(running_pid); then
        rm -f "$pid_file"
        printf 'kafka.sh: nothing runs on 127.0.0.1:%s\n' "$port"
        return 0
    fi
    kill "$pid"
    tries=0
    while kill -0 "$pid" 2>/dev/null; do
        [ $tries -eq 200 ] && kill -9 "$pid" 2>/dev/null
        sleep 0.1
        tries=$((tries + 1))
    done
    rm -f "$pid_file"
    printf 'kafka.sh: stopped\n'
}

status() {
    if pid=$(running_pid); then
        printf 'kafka.sh: Apache Kafka %s runs on 127.0.0.1:%s (process %s)\n' "$version" "$port" "$pid"
    else
        printf 'kafka.sh: nothing runs on 127.0.0.1:%s\n' "$port"
        exit 3
    fi
}

case $command in
    fetch) fetch ;;
    start) start ;;
    stop) stop ;;
    status) status ;;
    clean) stop && rm -rf "$node" ;;
    *) usage >&2; exit 2 ;;
esac
