package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"borj.dev/borj/internal/recorded"
	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
)

// realRules loads the public rules.
func realRules(t *testing.T) *sigma.Set {
	t.Helper()
	set, err := sigma.Load([]string{recorded.Path(t, "sigma", "sigma-rules.tar.gz")}, sigma.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestRegressions asks of every recorded attack of the rule set's regression
// data that the rule which its origin names fires as often as expected.
func TestRegressions(t *testing.T) {
	var expected []struct {
		Dir        string
		RuleID     string `json:"rule_id"`
		MatchCount *int   `json:"match_count"`
		SpecCount  *int   `json:"spec_count"`
		Files      []string
	}
	text, err := os.ReadFile(recorded.Path(t, "sigma", "regression_expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	p, err := Load(true, nil)
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]*sigma.Rule{}
	for _, r := range realRules(t).Rules {
		rules[r.ID] = r
	}
	for _, e := range expected {
		for _, name := range e.Files {
			if filepath.Ext(name) != ".json" {
				continue
			}
			t.Run(e.Dir, func(t *testing.T) {
				rule := rules[e.RuleID]
				if rule == nil {
					t.Fatalf("rule %s is not loaded", e.RuleID)
				}
				routed, err := p.Route(rule)
				if err != nil {
					t.Fatal(err)
				}
				got := 0
				for _, r := range objects(t, filepath.Join(recorded.Path(t, "sigma", "regression_data"), e.Dir, name)) {
					if fires(routed, r) {
						got++
					}
				}
				want := e.SpecCount
				if want == nil {
					want = e.MatchCount
				}
				if want == nil && got == 0 || want != nil && got != *want {
					t.Errorf("%s fired %d times, want %v", e.RuleID, got, show(want))
				}
			})
		}
	}
}

func show(n *int) any {
	if n == nil {
		return "at least 1"
	}
	return *n
}

// fires tells whether a rule fires on a record, in the words of the contract.
func fires(routed []sigma.Routed, raw []byte) bool {
	fl := record.NewFlattener(record.NewPaths(0), record.DefaultLimits)
	rec, err := fl.Flatten(raw, record.FormatWindows)
	if err != nil {
		return false
	}
	for _, one := range routed {
		if (one.Route == nil || sigma.Evaluate(one.Route, rec)) && sigma.Evaluate(one.Expr, rec) {
			return true
		}
	}
	return false
}

// objects reads JSON objects that follow one another.
func objects(t *testing.T, file string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	var list [][]byte
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		list = append(list, raw)
	}
}

// TestRealRules routes every public rule: none may fail, and those that no
// pipeline knows are listed.
func TestRealRules(t *testing.T) {
	p, err := Load(true, nil)
	if err != nil {
		t.Fatal(err)
	}
	set := realRules(t)
	routes := map[string]int{}
	generic := map[sigma.LogSource]int{}
	for _, r := range set.Rules {
		routed, err := p.Route(r)
		if err != nil {
			t.Errorf("%s: %v", r.File, err)
		}
		for _, one := range routed {
			routes[one.Pipeline]++
			if one.Generic {
				ls := r.LogSource
				ls.Definition = ""
				generic[ls]++
			}
		}
	}
	t.Logf("%d rules, %d distinct routes, routed by pipeline: %v", len(set.Rules), len(p.routes), routes)
	t.Logf("generic: %v", generic)
}
