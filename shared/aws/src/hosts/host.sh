# What Slipway does on a host, for one container of one service. Run Command runs it as root.
#
# Slipway sends this text whole, and before it the variables that begin with SLIPWAY_, each quoted.
# It may be run twice, late, or after it was killed anywhere: whatever it finds, it goes on from there.
# Standard output is for Slipway: lines that begin with `slipway `. It is never left with the exit code
# of another program, because 194 would make the agent reboot the host and run this again.
# shellcheck shell=bash

set -u -o pipefail
umask 077

# Where the host's files are; only a test has them elsewhere.
root=${SLIPWAY_HOST_ROOT:-}
PATH="$PATH:$root/usr/local/bin:$root/usr/bin:$root/bin:$root/snap/bin"
state="$root/var/lib/slipway/$SLIPWAY_PLACE"
# Run Command takes two braces for a parameter of its own, so that none stand together here.
open='{' && open=$open$open
close='}' && close=$close$close

# == Telling ========================================================================================

printable() {
    LC_ALL=C tr -c '[:print:]' ' ' | LC_ALL=C tr '\\"' "/'" | LC_ALL=C cut -c "1-${1:-300}"
}

tell() {
    printf 'slipway %s\n' "$1"
}

# Ends with a code of ours and a sentence for a person.
fail() {
    printf 'slipway fault: %s\n' "$(printf %s "$2" | printable 600)"
    exit "$1"
}

# The last thing that a program said, which is where the reason stands.
last_words() {
    printf %s "$(grep -v '^[[:space:]]*$' "$1" 2>/dev/null | tail -n 1)" | printable
}

# == Needing ========================================================================================

need() {
    command -v "$1" >/dev/null 2>&1 || fail 10 "$1 is not installed on the host; install it"
}

need_docker() {
    command -v docker >/dev/null 2>&1 || fail 11 "docker is not installed on the host; install it"
    docker container ls --quiet >/dev/null 2>"$scratch/docker" ||
        fail 11 "docker does not answer on the host: $(last_words "$scratch/docker")"
}

need_env_file() {
    [ -z "$1" ] || [ -r "$root$1" ] || fail 12 "there is no file $1 on the host; put it there, or correct env_file"
}

# One command at a time for one environment. It ends with this process, however that ends.
lock() {
    need flock
    exec 9>"$state/lock" || fail 15 "the lock $state/lock cannot be opened"
    flock -w "$1" 9 || fail 15 "another command of Slipway has been at work on the host for $1 seconds"
}

# A command that was sent before another one and comes after it must not undo that one's work. An hour
# is longer than any command waits to be delivered.
take_turn() {
    local number=0 step=0
    if [ -n "$(find "$state" -maxdepth 1 -name "turn.$SLIPWAY_SERVICE" -mmin -60 2>/dev/null)" ]; then
        read -r number step <"$state/turn.$SLIPWAY_SERVICE"
    fi
    if [ "$SLIPWAY_NUMBER" -lt "$number" ] ||
        { [ "$SLIPWAY_NUMBER" -eq "$number" ] && [ "$SLIPWAY_STEP" -lt "$step" ]; }; then
        fail 16 "a newer command of Slipway (deployment $number) has been here; this one came too late"
    fi
    write "turn.$SLIPWAY_SERVICE" "$SLIPWAY_NUMBER $SLIPWAY_STEP"
}

# Writes a file so that it is there whole or not at all.
write() {
    if ! printf '%s\n' "$2" >"$state/$1.new" || ! mv -f "$state/$1.new" "$state/$1"; then
        fail 17 "$state/$1 cannot be written; is the disk full?"
    fi
}

# == Looking ========================================================================================

value() {
    printf '%s%s%s' "$open" "$1" "$close"
}

label() {
    value "index .Config.Labels \"slipway.$1\""
}

# Reads the container of this name or id into variables; fails if there is none. Docker takes the
# beginning of an id for a name, so that the name is compared.
find_container() {
    local format
    format="$(value .Id) $(value .State.Status) $(value .State.ExitCode) $(value .RestartCount)"
    format="$format $(value .HostConfig.RestartPolicy.Name) $(value .HostConfig.AutoRemove) $(value .Name)"
    format="$format r:$(label revision) m:$(label mark)"
    id='' status='' code='' restarts='' policy='' fleeting='' name='' revision='' mark=''
    read -r id status code restarts policy fleeting name revision mark < <(
        docker container inspect --format "$format" "$1" 2>/dev/null
    ) || return 1
    revision=${revision#r:} mark=${mark#m:}
    [ "$name" = "/$1" ] || [ "$id" = "$1" ] || { id='' && return 1; }
}

report() {
    local json=null
    if find_container "$1"; then
        json=$(docker container inspect --format "{\"id\":$(value 'json .Id'),\"status\":$(value 'json .State.Status'),\
\"code\":$(value 'json .State.ExitCode'),\"restarts\":$(value 'json .RestartCount'),\
\"fleeting\":$(value 'json .HostConfig.AutoRemove'),\"image\":$(value 'json .Config.Image'),\
\"revision\":$(value "json (index .Config.Labels \"slipway.revision\")"),\
\"mark\":$(value "json (index .Config.Labels \"slipway.mark\")")}" "$id" 2>/dev/null) || json=null
    fi
    tell "{\"service\":\"$1\",\"container\":$json}"
}

look() {
    need_docker
    local service file
    if [ -n "${SLIPWAY_CHECK:-}" ]; then
        for service in base64 flock timeout aws; do need "$service"; done
        for file in ${SLIPWAY_FILES[@]+"${SLIPWAY_FILES[@]}"}; do need_env_file "$file"; done
    fi
    tell "{\"machine\":\"$(uname -m | printable 20)\"}"
    for service in "${SLIPWAY_SERVICES[@]}"; do report "$service"; done
}

# == Images =========================================================================================

# Signs in for this one pull: the login lives in the scratch folder and goes with it.
pull() {
    docker image inspect "$SLIPWAY_IMAGE" >/dev/null 2>&1 && return
    need aws
    aws ecr get-login-password --region "$SLIPWAY_REGION" >"$scratch/password" 2>"$scratch/login" ||
        fail 13 "the host gets no login for $SLIPWAY_REGISTRY: $(last_words "$scratch/login")"
    DOCKER_CONFIG="$scratch" docker login --username AWS --password-stdin "$SLIPWAY_REGISTRY" \
        <"$scratch/password" >/dev/null 2>"$scratch/login" ||
        fail 13 "the host cannot sign in to $SLIPWAY_REGISTRY: $(last_words "$scratch/login")"
    DOCKER_CONFIG="$scratch" docker pull "$SLIPWAY_IMAGE" >/dev/null 2>"$scratch/pull" ||
        fail 14 "the host cannot pull $SLIPWAY_IMAGE: $(last_words "$scratch/pull")"
}

# == Containers =====================================================================================

kept="${SLIPWAY_SERVICE:-}.slipway-kept"
failed="${SLIPWAY_SERVICE:-}.slipway-failed"

stop() {
    docker container stop "$1" >/dev/null 2>"$scratch/stop" ||
        fail 17 "$SLIPWAY_SERVICE cannot be stopped: $(last_words "$scratch/stop")"
}

rename() {
    docker container rename "$1" "$2" >/dev/null 2>"$scratch/rename" ||
        fail 17 "$SLIPWAY_SERVICE cannot be renamed to $2: $(last_words "$scratch/rename")"
}

remove() {
    ! find_container "$1" || docker container rm --force "$id" >/dev/null 2>"$scratch/remove" ||
        fail 17 "the container $1 cannot be removed: $(last_words "$scratch/remove")"
}

# Whether the container of the service runs and goes on running for some seconds.
stays_up() {
    local second
    for second in 1 2 3 4 5; do
        find_container "$SLIPWAY_SERVICE" || return 1
        [ "$status" = running ] && [ "$restarts" = "$1" ] || return 1
        [ "$second" = 5 ] || sleep 1
    done
}

# Puts a container of this deployment aside, so that somebody can read its logs.
set_aside() {
    docker container stop "$SLIPWAY_SERVICE" >/dev/null 2>&1
    remove "$failed"
    rename "$SLIPWAY_SERVICE" "$failed"
}

start_new() {
    local options=() port
    [ -z "$SLIPWAY_ENV_FILE" ] || options+=(--env-file "$root$SLIPWAY_ENV_FILE")
    for port in ${SLIPWAY_PORTS[@]+"${SLIPWAY_PORTS[@]}"}; do options+=(--publish "$port"); done
    docker run --detach --name "$SLIPWAY_SERVICE" --restart unless-stopped \
        --label "slipway.revision=$SLIPWAY_REVISION" --label "slipway.mark=$SLIPWAY_MARK" \
        ${options[@]+"${options[@]}"} "$SLIPWAY_IMAGE" >/dev/null 2>"$scratch/run"
}

# The note of what ran before: the deployment, the container's id or `none`, and its restart policy.
read_before() {
    before_of='' before='' before_policy=''
    [ ! -e "$state/before.$SLIPWAY_SERVICE" ] ||
        read -r before_of before before_policy <"$state/before.$SLIPWAY_SERVICE"
}

# Keeps what runs now, as long as it has not been noted, so that it can come back as it is.
keep_what_runs() {
    read_before
    if [ "$before_of" != "$SLIPWAY_MARK" ]; then
        before=none before_policy=-
        if find_container "$SLIPWAY_SERVICE"; then
            [ "$fleeting" != true ] ||
                fail 17 "$SLIPWAY_SERVICE was started with --rm and would be gone for good; start it without, then deploy again"
            before=$id before_policy=$policy
        fi
        write "before.$SLIPWAY_SERVICE" "$SLIPWAY_MARK $before ${before_policy:--}"
    fi
    find_container "$SLIPWAY_SERVICE" || return 0
    if [ "$id" != "$before" ]; then
        # An earlier run of this very command was killed, or somebody has been here since.
        [ "$mark" = "$SLIPWAY_MARK" ] ||
            fail 18 "somebody has started another $SLIPWAY_SERVICE meanwhile; it is left alone"
        set_aside
        return 0
    fi
    stop "$id"
    # Docker would start a stopped container of this policy again when the host boots.
    [ "$policy" != always ] || docker container update --restart no "$id" >/dev/null 2>&1
    # What the deployment before this one kept is not needed any more.
    if find_container "$kept"; then
        spare=$(docker container inspect --format "$(value .Image)" "$id" 2>/dev/null)
        remove "$kept"
    fi
    rename "$before" "$kept"
}

# Removes the image of what was kept before. It may be the very one that is gone back to: docker leaves
# an image alone that a container has, so that this comes after the new container.
drop_spare() {
    [ -z "$spare" ] || docker image rm "$spare" >/dev/null 2>&1
}

# Gives the kept container its name back and starts it.
bring_back() {
    find_container "$before" || return 1
    [ "$name" = "/$SLIPWAY_SERVICE" ] || rename "$before" "$SLIPWAY_SERVICE"
    [ "$before_policy" != always ] || docker container update --restart always "$before" >/dev/null 2>&1
    docker container start "$before" >/dev/null 2>"$scratch/start" ||
        fail 20 "${why:+$why; }what ran before cannot be started again: $(last_words "$scratch/start")"
}

rollout() {
    need_docker
    need_env_file "$SLIPWAY_ENV_FILE"
    take_turn
    if find_container "$SLIPWAY_SERVICE" && [ "$status" = running ] && [ "$revision" = "$SLIPWAY_REVISION" ]; then
        if [ "$mark" = "$SLIPWAY_MARK" ] || [ -z "$SLIPWAY_FRESH" ]; then
            report "$SLIPWAY_SERVICE"
            return
        fi
    fi
    pull
    local why spare=''
    keep_what_runs
    if start_new && stays_up 0; then
        drop_spare
        report "$SLIPWAY_SERVICE"
        return
    fi
    if find_container "$SLIPWAY_SERVICE" && [ "$status" != created ]; then
        why="the container exited at once with code $code; docker logs $failed on the host says more"
        set_aside
    else
        why="docker cannot run the container: $(last_words "$scratch/run")"
        remove "$SLIPWAY_SERVICE"
    fi
    # Whoever sent this will ask for it as well; until then nothing would run.
    [ "$before" = none ] || bring_back || why="$why; what ran before is gone"
    drop_spare
    fail 19 "$why"
}

back() {
    need_docker
    take_turn
    read_before
    if [ "$before_of" != "$SLIPWAY_MARK" ]; then
        # This deployment never came to this host, and what ran before still does.
        report "$SLIPWAY_SERVICE"
        return
    fi
    if find_container "$SLIPWAY_SERVICE" && [ "$id" != "$before" ]; then
        if [ -n "$SLIPWAY_REVISION" ] && [ "$revision" = "$SLIPWAY_REVISION" ] && [ "$status" = running ]; then
            report "$SLIPWAY_SERVICE"
            return
        fi
        [ "$mark" = "$SLIPWAY_MARK" ] ||
            fail 18 "somebody has started another $SLIPWAY_SERVICE meanwhile; it is left alone"
        set_aside
    fi
    [ "$before" = none ] || bring_back || again
    if [ "$before" != none ]; then
        find_container "$SLIPWAY_SERVICE"
        stays_up "${restarts:-0}" || fail 21 "what ran before was started again and does not stay up (exit code ${code:-unknown})"
    fi
    report "$SLIPWAY_SERVICE"
}

# What was kept is gone: somebody pruned. One of ours can be made again from its image.
again() {
    [ -n "$SLIPWAY_IMAGE" ] ||
        fail 20 "the container that ran before was not started by Slipway, and somebody has removed it; start it again by hand"
    pull
    start_new || fail 20 "what ran before is gone and cannot be made again: $(last_words "$scratch/run")"
}

# Removes a container that the first deployment started.
drop() {
    need_docker
    take_turn
    if find_container "$SLIPWAY_SERVICE" && [ -n "$mark" ]; then remove "$SLIPWAY_SERVICE"; fi
    report "$SLIPWAY_SERVICE"
}

# == One-off commands ===============================================================================

# Runs a command once in this host's life, however often it is sent: the folder is the claim. A copy
# waits for the lock and tells how the first one ended.
one_off() {
    local claim="$state/one-off/$SLIPWAY_CLAIM" ended=''
    mkdir -p "$state/one-off"
    # No copy of a command comes so late.
    find "$state/one-off" -mindepth 1 -maxdepth 1 -mtime +7 -exec rm -rf {} + 2>/dev/null
    if [ ! -d "$claim" ]; then
        need timeout
        if [ -z "$SLIPWAY_ON_HOST" ]; then
            need_docker
            need_env_file "$SLIPWAY_ENV_FILE"
            pull
        fi
        mkdir "$claim" || fail 17 "$claim cannot be made; is the disk full?"
        run_once "$claim"
        write "one-off/$SLIPWAY_CLAIM/ended" "$?"
    fi
    read -r ended 2>/dev/null <"$claim/ended" ||
        fail 22 "the command was begun and nobody saw it end; its output is in ${claim#"$root"}/output on the host"
    tell "{\"ended\":$ended,\"output\":\"${claim#"$root"}/output\"}"
    tail -n 20 "$claim/output" 2>/dev/null
    [ "$ended" -eq 0 ] || exit 1
}

run_once() {
    local run=()
    if [ -z "$SLIPWAY_ON_HOST" ]; then
        run=(docker run --rm --name "slipway-$SLIPWAY_CLAIM" --label "slipway.mark=$SLIPWAY_MARK")
        [ -z "$SLIPWAY_ENV_FILE" ] || run+=(--env-file "$root$SLIPWAY_ENV_FILE")
        # The image's own entry point is kept, as ECS keeps it.
        run+=("$SLIPWAY_IMAGE")
    fi
    timeout --kill-after=30 "$SLIPWAY_TIMEOUT" ${run[@]+"${run[@]}"} "${SLIPWAY_COMMAND[@]}" \
        </dev/null >"$1/output" 2>&1 9>&- &
    local process=$! ended
    write "one-off/$SLIPWAY_CLAIM/process" "$process"
    wait "$process"
    ended=$?
    [ "$ended" -lt 124 ] || [ -n "$SLIPWAY_ON_HOST" ] || docker container rm --force "slipway-$SLIPWAY_CLAIM" >/dev/null 2>&1
    return "$ended"
}

# Asks a command to end that is out of time. Whoever runs it waits for it, and tells how it ended.
stop_one_off() {
    local process
    read -r process 2>/dev/null <"$state/one-off/$SLIPWAY_CLAIM/process" || return 0
    [ -e "$state/one-off/$SLIPWAY_CLAIM/ended" ] || kill -TERM "$process" 2>/dev/null
    return 0
}

# == Beginning ======================================================================================

mkdir -p "$state" || fail 17 "$state cannot be made; is the disk full?"
scratch=$(mktemp -d "$state/scratch.XXXXXX") || fail 17 "$state cannot be written; is the disk full?"
trap 'rm -rf "$scratch"' EXIT
# Whatever was killed could not clean up.
find "$state" -maxdepth 1 -name 'scratch.*' -mmin +1440 -exec rm -rf {} + 2>/dev/null

case $SLIPWAY_DO in
look) look ;;
rollout) lock "$SLIPWAY_LOCK_SECONDS" && rollout ;;
back) lock "$SLIPWAY_LOCK_SECONDS" && back ;;
remove) lock "$SLIPWAY_LOCK_SECONDS" && drop ;;
one-off) lock "$SLIPWAY_LOCK_SECONDS" && one_off ;;
stop) stop_one_off ;;
*) fail 10 "this script does not $SLIPWAY_DO; the functions of Slipway are of different versions" ;;
esac
