#!/usr/bin/env bash
# Changes the meaning of one line of the tracer at a time, in a copy of the sources, and expects the kernel tests to notice each change.
#
#   Tests/KernelTests/mutants.sh           all mutants
#   Tests/KernelTests/mutants.sh goto ...  those of the names given
set -euo pipefail
cd "$(dirname "$0")/../.."
copy=.build/mutants
mkdir -p "$copy"

# name | file below Sources/FlowTrace | sed expression
mutants=(
  'goto|Evaluation/Rules/Engine+Walk.swift|s/if case .goto = verdict {/if case .goto = verdict, false {/'
  'equal-priority|Knowledge/HookPlan.swift|s/(\$0.priority, -\$0.registered) < (\$1.priority, -\$1.registered)/($0.priority, $0.registered) < ($1.priority, $1.registered)/'
  'nat-priority|Knowledge/HookPlan.swift|s/priority: HookPriority.dstnat/priority: HookPriority.filter/'
  'tcp-new|Evaluation/Conntrack/Engine+Conntrack.swift|s/return masked == syn ||/return masked == syn || masked == syn | ack ||/'
  'early-state|Model/FieldAccess.swift|s/isUntracked ? ConntrackState.untracked : ConntrackState.invalid/isUntracked ? ConntrackState.untracked : ConntrackState.new/'
  'negation|Evaluation/Rules/Engine+Matching.swift|s/return wanted.contains(value) != match.negated ? .always : .never/return wanted.contains(value) ? .always : .never/'
  'bridged-input|Evaluation/Hooks/Engine+Hooks.swift|s/if stage == .postrouting, isBridged {/if stage == .postrouting, isBridged, isSentByHost {/'
  'later-status|Tracer/Engine+Query.swift|s/connection.status |= ConntrackStatus.seenReply | ConntrackStatus.confirmed/connection.status |= ConntrackStatus.confirmed/'
  'port-range|Evaluation/Translation/Engine+Translation.swift|s/ValueSet(wanted.first ?? 0)/ValueSet(wanted.intervals.last?.upperBound ?? 0)/'
  'reject-silence|Evaluation/Hooks/Engine+Hooks.swift|s/if isUnanswered(rejection, flow) || hasNoWayBack(flow) {/if isUnanswered(rejection, flow) \&\& flow.isBridged || hasNoWayBack(flow) {/'
)

sync_sources() {
  for part in Package.swift Package.resolved Sources Tests Documentation samples; do
    mkdir -p "$copy/$part" 2>/dev/null || true
    if [ -d "$part" ]; then
      cp -Rup "$part/." "$copy/$part/"
    else
      rmdir "$copy/$part" 2>/dev/null || true
      cp -up "$part" "$copy/$part"
    fi
  done
}

run_tests() {
  (cd "$copy" && FWTRACE_KERNEL_PACKETS=1000 swift test --filter "$1" >mutant.log 2>&1)
}

sync_sources
# The sources may change while the mutants run.
original=$(mktemp -d)
trap 'rm -rf "$original"' EXIT
cp -R "$copy/Sources/FlowTrace/." "$original"
echo 'without a mutant ...'
run_tests 'KernelTests\.' || { tail -20 "$copy/mutant.log"; echo 'the kernel tests fail already without a mutant' >&2; exit 1; }

missed=0
for mutant in "${mutants[@]}"; do
  name=${mutant%%|*}
  rest=${mutant#*|}
  file=${rest%%|*}
  expression=${rest#*|}
  if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
  target="$copy/Sources/FlowTrace/$file"
  sed "$expression" "$original/$file" >"$target"
  if cmp -s "$target" "$original/$file"; then
    echo "$name: the line to change is gone" >&2
    missed=1
    continue
  fi
  # The written facts and the kept cases take the least time; generated packets are asked where they see nothing.
  if run_tests 'fwtraceKnowsIt|OnceWentWrong' && run_tests 'KernelTests\.'; then
    echo "$name: NOT NOTICED" >&2
    missed=1
  elif grep -q 'error: fatalError\|error: .*\.swift' "$copy/mutant.log" && ! grep -q 'recorded an issue' "$copy/mutant.log"; then
    echo "$name: does not build" >&2
    missed=1
  else
    echo "$name: noticed ($(grep -c 'recorded an issue' "$copy/mutant.log") issues, the first: $(grep -m1 'recorded an issue' "$copy/mutant.log" | cut -c1-140))"
  fi
  cp "$original/$file" "$target"
  touch "$target"
done
exit "$missed"
