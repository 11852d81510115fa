package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"borj.dev/borj/watch"
	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
)

func sampleRun() (*Tally, *Run) {
	t := NewTally()
	for _, h := range sample() {
		t.Add(h)
	}
	for i := range 25 {
		t.Add(&watch.Hit{Level: sigma.Low, Host: fmt.Sprintf("host-%02d", i),
			Rule: &watch.Rule{ID: fmt.Sprint(i), Title: fmt.Sprintf("Rule %02d\x1b[2J", i), Tags: []string{"attack.defense_evasion", "attack.g0016"}}})
	}
	return t, &Run{
		Events: 1_234_567, Bytes: 987_654_321, Malformed: 3, Elapsed: 2500 * time.Millisecond,
		Rules: Rules{
			Loaded:  3_780,
			Skipped: []sigma.Skipped{{File: "rules/old.yml", Line: 1, Rule: "Old", Reason: "deprecated"}},
			Unfed:   []RuleRef{{ID: "u1", Title: "Kubernetes Thing", File: "rules/k8s.yml", Line: 1}},
			Failed:  []sigma.Failure{{File: "rules/bad.yml", Line: 12, Reason: "condition: unknown selection \x1b[1mselektion"}},
		},
		Indicators: Indicators{Loaded: 60_000, Skipped: 2, Failed: []IndicatorFailure{{File: "feed.csv", Line: 9, Value: "192.0.2", Reason: "not an address"}}, More: 41},
		Inputs: []Input{
			{Input: record.Input{Name: "logs/eve.json.gz", Format: record.FormatEVE, Shape: "JSON lines"}, Events: 1_234_000, Bytes: 987_000_000},
			{Input: record.Input{Name: "logs/sysmon.zip!a.json", Format: record.FormatWindows, Shape: "pretty-printed JSON"},
				Events: 567, Bytes: 654_321, Malformed: 3},
		},
		PassedOver: []record.Input{{Name: "logs/capture.pcap", Shape: "a packet capture"}},
		Problems:   []error{errors.New("logs/sysmon.zip!a.json: unexpected EOF")},
		Warnings:   []string{"correlations left out 3 matches that had no time that borj found"},
		Suppressed: []Count{{"List of known public resolvers", 12}},
		Reasons:    []Count{{"byte N: not a JSON object", 2}, {"nested too deeply", 1}},
	}
}

func TestSummaryGolden(t *testing.T) {
	tally, run := sampleRun()
	for name, o := range map[string]Options{"summary.txt": {}, "summary-colour.txt": {Colour: true}} {
		var b bytes.Buffer
		if err := WriteSummary(&b, tally, run, o); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
}

func TestSummaryOfNothing(t *testing.T) {
	var b bytes.Buffer
	if err := WriteSummary(&b, NewTally(), &Run{}, Options{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "summary-empty.txt", b.Bytes())
}

// TestEveryProblemIsNamed: an input that could not be read may hide an attack.
func TestEveryProblemIsNamed(t *testing.T) {
	var run Run
	for n := range 100 {
		run.Problems = append(run.Problems, fmt.Errorf("log-%d\x1b[2J: unexpected EOF", n))
	}
	run.Rules.Loaded, run.Rules.Idle = 1, []string{"Evli\x1b"}
	var b strings.Builder
	if err := WriteSummary(&b, NewTally(), &run, Options{}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "unexpected EOF"); n != 100 {
		t.Errorf("%d problems are named, want 100", n)
	}
	if !strings.Contains(b.String(), `--exclude Evli\x1b left none`) || strings.Contains(b.String(), "\x1b") {
		t.Errorf("the exclusion is not told, or not harmless:\n%s", b.String())
	}
}

func TestStatsGolden(t *testing.T) {
	tally, run := sampleRun()
	var b bytes.Buffer
	if err := WriteStats(&b, tally, run); err != nil {
		t.Fatal(err)
	}
	golden(t, "stats.json", b.Bytes())
}

// TestStatsContract: the keys that other programs rely on are there, and lists
// are lists, even when there is nothing to tell.
func TestStatsContract(t *testing.T) {
	var b bytes.Buffer
	if err := WriteStats(&b, NewTally(), &Run{}); err != nil {
		t.Fatal(err)
	}
	var s map[string]any
	if err := json.Unmarshal(b.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"events", "bytes", "malformed", "hits", "seconds", "events_per_second"} {
		if s[key] != 0.0 {
			t.Errorf("%s = %v, want 0", key, s[key])
		}
	}
	rules, indicators := s["rules"].(map[string]any), s["indicators"].(map[string]any)
	for _, key := range []string{"loaded", "skipped", "unfed"} {
		if rules[key] != 0.0 {
			t.Errorf("rules.%s = %v, want 0", key, rules[key])
		}
	}
	if diff := cmp.Diff([]any{[]any{}, []any{}, 0.0, 0.0}, []any{rules["failed"], indicators["failed"], indicators["loaded"], indicators["skipped"]}); diff != "" {
		t.Errorf("empty lists and numbers (-want +got):\n%s", diff)
	}
}

func TestAttackTags(t *testing.T) {
	for tag, want := range map[string][2]string{
		"attack.initial-access":      {"Initial Access", ""},
		"attack.initial_access":      {"Initial Access", ""},
		"attack.Command-And-Control": {"Command and Control", ""},
		"attack.stealth":             {"Stealth", ""},
		"attack.t1059":               {"", "T1059"},
		"attack.T1059.001":           {"", "T1059.001"},
		"attack.g0016":               {"", ""},
		"attack.s0154":               {"", ""},
		"attack.ta0001":              {"", ""},
		"cve.2024-1234":              {"", ""},
		"attack.":                    {"", ""},
	} {
		if tactic, technique := attack(tag); tactic != want[0] || technique != want[1] {
			t.Errorf("attack(%q) = %q, %q, want %q", tag, tactic, technique, want)
		}
	}
}

func TestTallyIsBounded(t *testing.T) {
	tally := NewTally()
	for i := range maxNames + 1000 {
		tally.Add(&watch.Hit{Host: fmt.Sprint("h", i)})
	}
	if n := len(tally.hosts); n > maxNames+1 {
		t.Errorf("%d hosts are kept, want at most %d", n, maxNames+1)
	}
	if got := tally.hosts[others]; got != 1000 {
		t.Errorf("%d hits count as others, want 1000", got)
	}
}

func TestProgress(t *testing.T) {
	var b strings.Builder
	clock := noon
	p := NewProgress(&b, 80, func() time.Time { return clock })
	p.Show(Position{Read: 0, Total: 1000})
	clock = clock.Add(time.Second)
	p.Show(Position{Read: 250, Total: 1000, Events: 12_000, Hits: 3})
	clock = clock.Add(time.Millisecond) // too soon
	p.Show(Position{Read: 260, Total: 1000, Events: 13_000, Hits: 3})
	p.Clear()
	p.Clear()
	want := "\r\x1b[K0 events, 0/s, 0 hits" +
		"\r\x1b[K 25 %  12,000 events, 12,000/s, 3 hits, 3s left" +
		"\r\x1b[K"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var silent *Progress
	silent.Show(Position{})
	silent.Clear()
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -999: "-999"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{999: "999 B", 1000: "1.0 kB", 999_999: "1.0 MB", 12_345_678: "12.3 MB", 1 << 62: "4611.7 PB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %s, want %s", n, got, want)
		}
	}
}
