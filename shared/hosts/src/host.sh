# What Slipway does on a host, for one container of one service. Run Command runs it as root.
#
# Slipway sends this text whole, and before it the variables that begin with SLIPWAY_, each quoted.
# It may run twice, late, or after it was killed at any point: it continues from what it finds.
# Standard output is for Slipway: lines that begin with `slipway `, and then how many there were: Run
# Command keeps the beginning of an output. Lines of other programs begin with `| `. The script never
# exits with the exit code of another program, because 194 would make the agent reboot the host and run
# this again.
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
told=0

# == Reporting ======================================================================================

printable() {
    LC_ALL=C tr -c '[:print:]' ' ' | LC_ALL=C tr '\\"' "/'" | LC_ALL=C cut -c "1-${1:-300}"
}

tell() {
    printf 'slipway %s\n' "$1"
    told=$((told + 1))
}

# Ends a report: the reader knows that nothing is missing.
tell_end() {
    printf 'slipway end %s\n' "$told"
}

# Ends with a code of ours and a sentence for a person.
fail() {
    printf 'slipway fault: %s\n' "$(printf %s "$2" | printable 600)"
    exit "$1"
}

# The last line of a program, which has the reason.
last_words() {
    printf %s "$(grep -v '^[[:space:]]*$' "$1" 2>/dev/null | tail -n 1)" | printable
}

# == Requirements ===================================================================================

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
    flock -w "$1" 9 || fail 15 "another Slipway command has been running on the host for $1 seconds"
}

# Whether a mark is of this deployment. Earlier versions did not name the installation in it: that mark is
# given only where this installation's table says that one of them worked on this deployment.
is_ours() {
    [ "$1" = "$SLIPWAY_MARK" ] || { [ -n "${SLIPWAY_OLD_MARK:-}" ] && [ "$1" = "$SLIPWAY_OLD_MARK" ]; }
}

# A command that was sent before another one and comes after it must not undo that one's work. The note
# says which command came last, of which installation, and for how many minutes an earlier one may
# still be delivered. Another installation counts its deployments for itself.
take_turn() {
    local number=0 step=0 of='' minutes=60
    if [ -r "$state/turn.$SLIPWAY_SERVICE" ]; then
        { read -r number step && read -r of minutes; } <"$state/turn.$SLIPWAY_SERVICE"
        [ "$of" = "$SLIPWAY_INSTALLATION" ] || { [ -z "$of" ] && [ -n "${SLIPWAY_OLD_MARK:-}" ]; } ||
            number=0 step=0
        [ -n "$(find "$state" -maxdepth 1 -name "turn.$SLIPWAY_SERVICE" -mmin "-${minutes:-60}" 2>/dev/null)" ] ||
            number=0 step=0
    fi
    if [ "$SLIPWAY_NUMBER" -lt "$number" ] ||
        { [ "$SLIPWAY_NUMBER" -eq "$number" ] && [ "$SLIPWAY_STEP" -lt "$step" ]; }; then
        fail 16 "a newer Slipway command (deployment $number) already ran on the host; this one came too late"
    fi
    # Scripts of earlier versions read the first line only.
    write "turn.$SLIPWAY_SERVICE" "$SLIPWAY_NUMBER $SLIPWAY_STEP
$SLIPWAY_INSTALLATION $SLIPWAY_LATE_MINUTES"
}

# Writes a file so that it is there whole or not at all.
keep() {
    { printf '%s\n' "$2" >"$state/$1.new" && mv -f "$state/$1.new" "$state/$1"; } 2>/dev/null
}

write() {
    keep "$1" "$2" || fail 17 "$state/$1 cannot be written; is the disk full?"
}

# == Looking ========================================================================================

value() {
    printf '%s%s%s' "$open" "$1" "$close"
}

label() {
    value "index .Config.Labels \"slipway.$1\""
}

# Reads the container of this name or id into variables; fails if there is none. Docker takes the
# beginning of an id for a name, so that the name is compared. Fields may be empty: a container that was
# not made by the docker command has no restart policy.
find_container() {
    local format
    format="$(value .Id)|$(value .State.Status)|$(value .State.ExitCode)|$(value .RestartCount)"
    format="$format|$(value .HostConfig.RestartPolicy.Name)|$(value .HostConfig.AutoRemove)|$(value .Name)"
    format="$format|$(label revision)|$(label mark)"
    id='' status='' code='' restarts='' policy='' fleeting='' name='' revision='' mark=''
    if ! docker container inspect --format "$format" "$1" >"$scratch/container" 2>"$scratch/inspect"; then
        # Only this message of docker means that there is none.
        grep -qi 'no such container' "$scratch/inspect" ||
            fail 11 "docker cannot inspect $1: $(last_words "$scratch/inspect")"
        return 1
    fi
    IFS='|' read -r id status code restarts policy fleeting name revision mark <"$scratch/container"
    [ "$name" = "/$1" ] || [ "$id" = "$1" ] || { id='' && return 1; }
}

# Reports the container of a service, in short: all services must fit into one answer. A container of
# Slipway is identified by its revision, any other by its id.
report() {
    local json="\"s\":\"$1\""
    if find_container "$1"; then
        json="$json,\"is\":\"${status//[!a-z]/}\",\"code\":${code:-0}"
        if [[ $revision =~ ^hosts/[A-Za-z0-9._-]+:[A-Za-z0-9-]+$ && $revision = "hosts/$1:"* ]]; then
            json="$json,\"r\":\"$revision\""
        else
            json="$json,\"id\":\"$id\""
        fi
        [ "$fleeting" != true ] || json="$json,\"rm\":true"
        ! is_ours "$mark" || json="$json,\"ours\":true"
    fi
    tell "{$json}"
}

look() {
    need_docker
    local service file
    if [ -n "${SLIPWAY_CHECK:-}" ]; then
        for service in base64 flock timeout aws; do need "$service"; done
        for file in ${SLIPWAY_FILES[@]+"${SLIPWAY_FILES[@]}"}; do need_env_file "$file"; done
    fi
    tell "{\"machine\":\"$(uname -m | printable 20)\"}"
    for service in ${SLIPWAY_SERVICES[@]+"${SLIPWAY_SERVICES[@]}"}; do report "$service"; done
}

# == Images =========================================================================================

# The images that Slipway pulled, each with the deployment that used it last. Other images are not
# listed, and stay.
note_image() {
    local of image list=''
    while read -r of image; do
        [ -z "$image" ] || [ "$image" = "$SLIPWAY_IMAGE" ] || list="$list$of $image"$'\n'
    done < <(cat "$state/images" 2>/dev/null)
    write images "$list$SLIPWAY_MARK $SLIPWAY_IMAGE"
}

# Removes the images of earlier deployments that no container uses: docker keeps the others.
drop_images() {
    local of image list=''
    [ -r "$state/images" ] || return 0
    while read -r of image; do
        [ -n "$image" ] || continue
        [ "$of" = "$SLIPWAY_MARK" ] || ! docker image rm "$image" >/dev/null 2>&1 || continue
        ! docker image inspect "$image" >/dev/null 2>&1 || list="$list$of $image"$'\n'
    done <"$state/images"
    write images "${list%$'\n'}"
}

# Signs in for this one pull: the login lives in the scratch folder and goes with it.
pull() {
    if docker image inspect "$SLIPWAY_IMAGE" >/dev/null 2>&1; then
        ! grep -qsF -- " $SLIPWAY_IMAGE" "$state/images" || note_image
        return
    fi
    need aws
    note_image
    aws ecr get-login-password --region "$SLIPWAY_REGION" >"$scratch/password" 2>"$scratch/login" ||
        fail 13 "the host cannot get a login for $SLIPWAY_REGISTRY: $(last_words "$scratch/login")"
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

# Whether the container of the service runs and keeps running for some seconds.
stays_up() {
    local second
    for second in 1 2 3 4 5; do
        find_container "$SLIPWAY_SERVICE" || return 1
        [ "$status" = running ] && [ "$restarts" = "$1" ] || return 1
        [ "$second" = 5 ] || sleep 1
    done
}

# Sets the container of this deployment aside, so that a person can read its logs.
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

# Whether the container is one that ran when the deployment was prepared, or runs this release. An empty
# list says nothing.
ran_before() {
    local known
    [ -n "${SLIPWAY_BEFORE[*]-}" ] && [ "$revision" != "$SLIPWAY_REVISION" ] || return 0
    for known in "${SLIPWAY_BEFORE[@]}"; do
        [ "$known" != "$revision" ] && [ "$known" != "$id" ] || return 0
    done
    return 1
}

# Keeps the container that runs now, unless it is noted already, so that a rollback can start it again.
keep_what_runs() {
    read_before
    if ! is_ours "$before_of"; then
        before=none before_policy=-
        if find_container "$SLIPWAY_SERVICE"; then
            ran_before ||
                fail 18 "another $SLIPWAY_SERVICE was started outside Slipway; it is left unchanged"
            [ "$fleeting" != true ] ||
                fail 17 "$SLIPWAY_SERVICE was started with --rm, so a rollback could not start it again; start it without --rm, then deploy again"
            before=$id before_policy=$policy
        fi
        write "before.$SLIPWAY_SERVICE" "$SLIPWAY_MARK $before ${before_policy:--}"
    fi
    find_container "$SLIPWAY_SERVICE" || return 0
    if [ "$id" != "$before" ]; then
        # An earlier run of this command was killed, or another container was started since.
        is_ours "$mark" ||
            fail 18 "another $SLIPWAY_SERVICE was started outside Slipway; it is left unchanged"
        set_aside
        return 0
    fi
    stop "$id"
    # Docker would start a stopped container of this policy again when the host boots.
    [ "$policy" != always ] || docker container update --restart no "$id" >/dev/null 2>&1
    # What the deployment before this one kept is no longer needed.
    if find_container "$kept"; then
        spare=$(docker container inspect --format "$(value .Image)" "$id" 2>/dev/null)
        remove "$kept"
    fi
    rename "$before" "$kept"
}

# Removes the image of what was kept before. A rollback may need that same image: docker keeps an image
# that a container uses, so this comes after the new container.
drop_spare() {
    [ -z "$spare" ] || docker image rm "$spare" >/dev/null 2>&1
    drop_images
}

# Gives the kept container its name back and starts it.
bring_back() {
    find_container "$before" || return 1
    [ "$name" = "/$SLIPWAY_SERVICE" ] || rename "$before" "$SLIPWAY_SERVICE"
    [ "$before_policy" != always ] || docker container update --restart always "$before" >/dev/null 2>&1
    docker container start "$before" >/dev/null 2>"$scratch/start" ||
        fail 20 "${why:+$why; }the previous container cannot be started again: $(last_words "$scratch/start")"
}

rollout() {
    need_docker
    need_env_file "$SLIPWAY_ENV_FILE"
    take_turn
    if find_container "$SLIPWAY_SERVICE" && [ "$status" = running ] && [ "$revision" = "$SLIPWAY_REVISION" ]; then
        if is_ours "$mark" || [ -z "$SLIPWAY_FRESH" ]; then return; fi
    fi
    pull
    local why spare=''
    keep_what_runs
    if start_new && stays_up 0; then
        drop_spare
        return
    fi
    if find_container "$SLIPWAY_SERVICE" && [ "$status" != created ]; then
        why="the container exited at once with code $code; docker logs $failed on the host says more"
        set_aside
    else
        why="docker cannot run the container: $(last_words "$scratch/run")"
        remove "$SLIPWAY_SERVICE"
    fi
    # The rollback will ask for it as well; until then nothing would run.
    [ "$before" = none ] || bring_back || why="$why; the previous container is gone"
    drop_spare
    fail 19 "$why"
}

back() {
    need_docker
    take_turn
    read_before
    # Otherwise this deployment never ran on this host, and the previous container still runs.
    ! is_ours "$before_of" || go_back
    drop_images
}

go_back() {
    local why=''
    if find_container "$SLIPWAY_SERVICE" && [ "$id" != "$before" ]; then
        if [ -n "$SLIPWAY_REVISION" ] && [ "$revision" = "$SLIPWAY_REVISION" ] && [ "$status" = running ]; then
            return
        fi
        is_ours "$mark" ||
            fail 18 "another $SLIPWAY_SERVICE was started outside Slipway; it is left unchanged"
        set_aside
    fi
    [ "$before" != none ] || return 0
    bring_back || again
    find_container "$SLIPWAY_SERVICE"
    stays_up "${restarts:-0}" || fail 21 "the previous container was started again but does not stay up (exit code ${code:-unknown})"
}

# The kept container is gone (docker prune). One of Slipway can be created again from its image.
again() {
    [ -n "$SLIPWAY_IMAGE" ] ||
        fail 20 "the previous container was not started by Slipway and has been removed; start it again by hand"
    pull
    start_new || fail 20 "the previous container is gone and cannot be created again: $(last_words "$scratch/run")"
}

# Removes the container that this deployment started, where there was none before. One that was started
# outside Slipway after the deployment was prepared runs again.
drop() {
    need_docker
    take_turn
    read_before
    if is_ours "$before_of" && [ "$before" != none ]; then
        go_back
    elif find_container "$SLIPWAY_SERVICE"; then
        is_ours "$mark" ||
            fail 18 "this deployment did not start the running $SLIPWAY_SERVICE; it is left unchanged"
        remove "$SLIPWAY_SERVICE"
    fi
    drop_images
}

# == One-off commands ===============================================================================

# Runs a command once on this host, however often it is sent: the folder is the claim. A copy waits for
# the lock and reports how the first one ended.
one_off() {
    if [ ! -d "$claim" ]; then
        need timeout
        if [ -z "$SLIPWAY_ON_HOST" ]; then
            need_docker
            need_env_file "$SLIPWAY_ENV_FILE"
            pull
        fi
        if mkdir "$claim" 2>/dev/null; then
            # From here on it has started, even if nothing can be written.
            run_once
            ran_to=$?
            keep "one-off/$SLIPWAY_CLAIM/ended" "$ran_to"
        fi
        [ -d "$claim" ] || fail 17 "$claim cannot be created; is the disk full?"
    fi
    how_it_ended
}

run_once() {
    local run=()
    if [ -z "$SLIPWAY_ON_HOST" ]; then
        run=(docker run --rm --name "slipway-$SLIPWAY_CLAIM" --label "slipway.mark=$SLIPWAY_MARK")
        [ -z "$SLIPWAY_ENV_FILE" ] || run+=(--env-file "$root$SLIPWAY_ENV_FILE")
        # The image's entry point is kept, as in ECS.
        run+=("$SLIPWAY_IMAGE")
    fi
    timeout --kill-after=30 "$SLIPWAY_TIMEOUT" ${run[@]+"${run[@]}"} "${SLIPWAY_COMMAND[@]}" \
        </dev/null >"$claim/output" 2>&1 9>&- &
    local process=$! how='' start='' ended
    read -r how start < <(process_stat "$process")
    keep "one-off/$SLIPWAY_CLAIM/process" "$process ${start:-0} $(boot)"
    wait "$process"
    ended=$?
    [ "$ended" -lt 124 ] || [ -n "$SLIPWAY_ON_HOST" ] || docker container rm --force "slipway-$SLIPWAY_CLAIM" >/dev/null 2>&1
    return "$ended"
}

# The state of a process, and when it was started, in ticks since the host booted. Its name may have blanks
# and brackets in it.
process_stat() {
    local stat=''
    read -r -d '' stat 2>/dev/null <"/proc/$1/stat"
    read -r -a stat <<<"${stat##*)}"
    printf '%s %s\n' "${stat[0]:-}" "${stat[19]:-}"
}

boot() {
    cat /proc/sys/kernel/random/boot_id 2>/dev/null
}

# Whether the process of the command still runs. A number alone may be another process by now, and one
# that has ended may still be listed.
still_runs() {
    local noted='' booted='' how='' start=''
    process=''
    read -r process noted booted 2>/dev/null <"$claim/process"
    [ -n "$noted" ] && [ "$booted" = "$(boot)" ] || return 1
    read -r how start < <(process_stat "$process")
    [ "$start" = "$noted" ] && [ "$how" != Z ]
}

how_it_ended() {
    local ended='' line='' output="${claim#"$root"}/output"
    [ ! -e "$claim/called-off" ] ||
        fail 23 "the command was cancelled before it started and will not run"
    if read -r ended 2>/dev/null <"$claim/ended" || { ended=$ran_to && [ -n "$ended" ]; }; then
        tell "{\"ended\":$ended,\"output\":\"$output\"}"
        tell_end
        while IFS= read -r line || [ -n "$line" ]; do
            printf '| %s\n' "$line"
        done < <(tail -n 20 "$claim/output" 2>/dev/null)
        [ "$ended" -eq 0 ] || exit 1
        exit 0
    fi
    still_runs || fail 22 "the command was started, but its end was not recorded; its output is in $output on the host"
    tell "{\"running\":true}"
}

# Makes sure that a command that has not started never will: the folder is taken. Fails if it has.
call_off() {
    mkdir "$claim" 2>/dev/null || return 1
    write "one-off/$SLIPWAY_CLAIM/called-off" "$SLIPWAY_MARK"
}

# Where Run Command did not report how it ended.
ask_end() {
    call_off
    how_it_ended
}

# Stops a command that timed out. The script that runs it waits for it, and reports how it ended.
stop_one_off() {
    local process
    ! call_off || return 0
    [ -e "$claim/ended" ] || ! still_runs || kill -TERM "$process" 2>/dev/null
    return 0
}

# == Beginning ======================================================================================

mkdir -p "$state" || fail 17 "$state cannot be created; is the disk full?"
scratch=$(mktemp -d "$state/scratch.XXXXXX") || fail 17 "$state cannot be written; is the disk full?"
trap 'rm -rf "$scratch"' EXIT
# A script that was killed could not clean up.
find "$state" -maxdepth 1 -name 'scratch.*' -mmin +1440 -exec rm -rf {} + 2>/dev/null
claim="$state/one-off/${SLIPWAY_CLAIM:-}"
ran_to=''
if [ -n "${SLIPWAY_CLAIM:-}" ]; then
    mkdir -p "$state/one-off"
    # No copy of a command comes so late.
    find "$state/one-off" -mindepth 1 -maxdepth 1 -mtime +7 -exec rm -rf {} + 2>/dev/null
fi

case $SLIPWAY_DO in
# Shows only that the host accepts commands.
reach) ;;
look) look ;;
rollout) lock "$SLIPWAY_LOCK_SECONDS" && rollout ;;
back) lock "$SLIPWAY_LOCK_SECONDS" && back ;;
remove) lock "$SLIPWAY_LOCK_SECONDS" && drop ;;
one-off) lock "$SLIPWAY_LOCK_SECONDS" && one_off ;;
end) ask_end ;;
stop) stop_one_off ;;
*) fail 10 "unknown action $SLIPWAY_DO; Slipway's functions have different versions" ;;
esac
case $SLIPWAY_DO in rollout | back | remove) report "$SLIPWAY_SERVICE" ;; esac
tell_end
