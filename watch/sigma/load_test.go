package sigma_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"borj.dev/borj/watch/sigma"
)

// rule writes a rule with an id; extra lines may follow.
func rule(id, detection string, extra ...string) string {
	return "title: Rule " + id + "\nid: " + id + "\nlogsource: {category: test, product: windows}\ndetection:\n" +
		indent(detection) + strings.Join(extra, "\n")
}

const simple = "s: {a: 1}\ncondition: s"

// load loads one file with the documents.
func load(t testing.TB, documents ...string) *sigma.Set {
	t.Helper()
	return loadWith(t, sigma.Options{}, documents...)
}

func loadWith(t testing.TB, opt sigma.Options, documents ...string) *sigma.Set {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, []byte(strings.Join(documents, "\n---\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := sigma.Load([]string{file}, opt)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func ids(set *sigma.Set) string {
	var out []string
	for _, r := range set.Rules {
		out = append(out, r.ID)
	}
	return strings.Join(out, " ")
}

func reasons(list []sigma.Failure) string {
	var out []string
	for _, f := range list {
		out = append(out, f.Rule+": "+f.Reason)
	}
	return strings.Join(out, "\n")
}

func TestRuleAttributes(t *testing.T) {
	rules, _, _, failed := sigma.Parse("dir/f.yml", []byte(`---
title: A title
id: 0e95725d-7320-415d-80f7-004da920fc12
name: a_name
related: [{id: x, type: derived}]
status: Test
description: |
  Says what
references: [https://example.org]
author: [A, B]
date: 2024-01-02
modified: 2024/02/03
tags: [attack.t1059.001, cve.2024-1234]
logsource: {category: process_creation, product: windows, service: sysmon, definition: needs X}
detection:
  selection: {Image|endswith: [a, 5, true, null]}
  condition: selection
fields: [Image]
falsepositives: Few
level: HIGH
x_own: {a: [1]}
`))
	if len(failed) > 0 {
		t.Fatal(failed)
	}
	want := &sigma.Rule{
		ID: "0e95725d-7320-415d-80f7-004da920fc12", Name: "a_name", Title: "A title", Description: "Says what\n",
		Status: "test", Level: sigma.High, Tags: []string{"attack.t1059.001", "cve.2024-1234"},
		Author: "A, B", Date: "2024-01-02", Modified: "2024/02/03",
		References: []string{"https://example.org"}, FalsePositives: []string{"Few"}, Fields: []string{"Image"},
		LogSource: sigma.LogSource{Category: "process_creation", Product: "windows", Service: "sysmon", Definition: "needs X"},
		Detection: sigma.Detection{
			Selections: []sigma.Selection{{Name: "selection", Line: 16, Node: sigma.AllOf{&sigma.Item{
				Field: "Image", Modifiers: []string{"endswith"}, Line: 16,
				Values: []sigma.Value{{Text: "a"}, {Kind: sigma.NumberValue, Text: "5"}, {Kind: sigma.BoolValue, Text: "true"}, {Kind: sigma.NullValue}},
			}}}},
			Conditions: []string{"selection"}, Line: 17,
		},
		Taxonomy: "sigma", Custom: map[string]any{"x_own": map[string]any{"a": []any{1}}},
		File: "dir/f.yml", Line: 2,
	}
	if diff := cmp.Diff([]*sigma.Rule{want}, rules); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, want.Clone()); diff != "" {
		t.Error(diff)
	}
}

func TestCloneSharesNothing(t *testing.T) {
	r := ruleOf(t, "s:\n- a: [x, y]\n- [k]\ncondition: s")
	c := r.Clone()
	item := c.Detection.Selections[0].Node.(sigma.AnyOf)[0].(sigma.AllOf)[0].(*sigma.Item)
	item.Field, item.Values[0].Text = "changed", "changed"
	c.Detection.Conditions[0] = "changed"
	if diff := cmp.Diff(ruleOf(t, "s:\n- a: [x, y]\n- [k]\ncondition: s"), r); diff != "" {
		t.Errorf("the original changed: %s", diff)
	}
}

func TestLegacyCollections(t *testing.T) {
	rules, _, _, failed := sigma.Parse("f.yml", []byte(`action: global
title: Shared
level: low
detection:
  condition: s
---
logsource: {category: one}
detection:
  s: {a: 1}
---
action: repeat
logsource: {category: two}
level: high
---
action: reset
---
title: Alone
logsource: {category: three}
detection:
  s: {b: 1}
  condition: s
`))
	if len(failed) > 0 {
		t.Fatal(failed)
	}
	var got []string
	for _, r := range rules {
		got = append(got, fmt.Sprint(r.Title, " ", r.LogSource.Category, " ", r.Level, " ", len(r.Detection.Selections), " ", r.Line))
	}
	want := []string{"Shared one low 1 7", "Shared two high 1 11", "Alone three informational 1 17"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOptions(t *testing.T) {
	documents := []string{
		rule("a", simple, "level: low", "status: stable"),
		rule("b", simple, "level: high", "status: test", "tags: [attack.t1059]"),
		rule("c", simple, "level: critical", "status: deprecated"),
		rule("d", "s: {a|re: '('}\ncondition: s", "status: unsupported"),
		"title: Rule e\nid: e\nstatus: unsupported\n",
		rule("f", simple, "level: medium"),
	}
	high := sigma.High
	tests := []struct {
		name    string
		opt     sigma.Options
		want    string
		skipped []string
		failed  int
	}{
		{"by default", sigma.Options{}, "a b f", []string{"c: status deprecated", "d: status unsupported", "e: status unsupported"}, 0},
		{"by status", sigma.Options{Statuses: []string{"Stable", "deprecated"}}, "a c", []string{"b: status test", "f: status not given"}, 0},
		{"unsupported when asked for", sigma.Options{Statuses: []string{"unsupported"}}, "", []string{"a: status stable"}, 2},
		{"by level", sigma.Options{MinLevel: &high}, "b", []string{"a: level low is below high", "f: level medium is below high"}, 0},
		{"by id", sigma.Options{Exclude: []string{"A"}}, "b f", []string{"a: excluded by A"}, 0},
		{"by title", sigma.Options{Exclude: []string{"rule b"}}, "a f", []string{"b: excluded by rule b"}, 0},
		{"by tag", sigma.Options{Exclude: []string{"ATTACK.T1059"}}, "a f", []string{"b: excluded by ATTACK.T1059"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := loadWith(t, tt.opt, documents...)
			if got := ids(set); got != tt.want {
				t.Errorf("loaded %q, want %q", got, tt.want)
			}
			for _, s := range tt.skipped {
				if !strings.Contains(reasons(set.Skipped), s) {
					t.Errorf("skipped:\n%s\nwithout %s", reasons(set.Skipped), s)
				}
			}
			if len(set.Failed) != tt.failed {
				t.Errorf("failed: %v, want %d", set.Failed, tt.failed)
			}
		})
	}
}

func TestSameIDTwice(t *testing.T) {
	set := load(t, rule("a", simple), rule("A", simple), strings.Replace(rule("x", simple), "id: x\n", "", 1), strings.Replace(rule("x", simple), "id: x\n", "", 1))
	if len(set.Rules) != 3 || !strings.Contains(reasons(set.Skipped), "rules.yml, line 1") {
		t.Errorf("%d rules; skipped: %s", len(set.Rules), reasons(set.Skipped))
	}
	file := write(t, t.TempDir(), "x.yml", "title: no id\nlogsource: {category: x}\ndetection: {s: {a: 1}, condition: s}\n")
	set, err := sigma.Load([]string{file, file, filepath.Join(filepath.Dir(file), ".", "x.yml")}, sigma.Options{})
	if err != nil || len(set.Rules) != 1 {
		t.Errorf("a path given thrice gave %d rules (%v)", len(set.Rules), err)
	}
}

func TestPlaceholders(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "p/admins.txt", "\ufeff# who may\nadm_*\n\n root \r\n")
	write(t, dir, "p/lists.yml", "servers: [srv1, srv2]\n'%doms%': a.b\nnums: [1, 2]\n")
	values, err := sigma.LoadPlaceholders([]string{filepath.Join(dir, "p")})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"admins": {"adm_*", "root"}, "servers": {"srv1", "srv2"}, "doms": {"a.b"}, "nums": {"1", "2"}}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Error(diff)
	}
	set := loadWith(t, sigma.Options{Placeholders: values},
		rule("a", "s: {f|expand: '%admins%'}\ncondition: s"),
		rule("b", "s: {f|contains|expand: '\\%x%servers%.%doms%'}\ncondition: s"),
		rule("c", "s: {f|expand: '%none%'}\ncondition: s"),
		rule("d", "s: {f: '%admins%'}\ncondition: s"),
		rule("e", "s: {f|expand: ['%nums%', plain, 7]}\ncondition: s"))
	if got := ids(set); got != "a b d e" || len(set.Failed) > 0 {
		t.Fatalf("loaded %s; failed: %v", got, set.Failed)
	}
	if got := reasons(set.Skipped); !strings.Contains(got, "placeholder %none%") {
		t.Errorf("skipped: %s", got)
	}
	tests := []struct {
		rule     int
		value    string
		expected bool
	}{
		{0, `"adm_joe"`, true}, {0, `"ROOT"`, true}, {0, `"%admins%"`, false},
		{1, `"..%xSRV2.a.b.."`, true}, {1, `"srv2.a.b"`, false},
		{2, `"%admins%"`, true}, {2, `"root"`, false},
		{3, `2`, true}, {3, `"plain"`, true}, {3, `7`, true}, {3, `3`, false},
	}
	for _, tt := range tests {
		e, err := set.Rules[tt.rule].Resolve()
		if err != nil {
			t.Fatal(err)
		}
		check(t, e, `{"f":`+tt.value+`}`, tt.expected)
	}
}

func TestPlaceholderErrors(t *testing.T) {
	for text, want := range map[string]string{
		"admins: {a: b}\n": "admins must be a text or a list of texts",
		"- a\n":            "the placeholders must be a map",
		"a: [\n":           "not valid YAML",
	} {
		file := write(t, t.TempDir(), "p.yml", text)
		if _, err := sigma.LoadPlaceholders([]string{file}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: the error is %v, and should say %s", text, err, want)
		}
	}
	if _, err := sigma.LoadPlaceholders([]string{filepath.Join(t.TempDir(), "none")}); err == nil {
		t.Error("a missing file is no error")
	}
	huge := map[string][]string{"p": make([]string, 300)}
	for i := range huge["p"] {
		huge["p"][i] = fmt.Sprint(i)
	}
	set := loadWith(t, sigma.Options{Placeholders: huge}, rule("a", "s: {f|expand: '%p%%p%'}\ncondition: s"))
	if got := reasons(set.Failed); !strings.Contains(got, "give more than 20000 values") {
		t.Errorf("failed: %s", got)
	}
}

func TestFilterErrors(t *testing.T) {
	for body, want := range map[string]string{
		"rules: any\ns: {a|x: 1}\ncondition: s":   "unknown modifier",
		"rules: any\ns: {a: 1}\ncondition: t":     "no selection is called so",
		"rules: any\ns: {a: 1}\ncondition: s | x": "pipes into",
	} {
		set := load(t, rule("a", simple), "title: f\nlogsource: {product: windows}\nfilter:\n"+indent(body))
		if got := reasons(set.Failed); len(set.Rules) != 1 || !strings.Contains(got, want) {
			t.Errorf("%d rules; failed: %s; want %s", len(set.Rules), got, want)
		}
	}
}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// The same rules come out of a directory and of every kind of archive, in the
// order of their names, whatever else is beside them.
func TestSources(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"r/b/two.yaml":      rule("2", simple) + "\n---\n" + rule("3", simple),
		"r/a.yml":           rule("1", simple),
		"r/README.md":       "title: none",
		"r/.hidden/x.yml":   rule("h", simple),
		"r/c/pipeline.yml":  "name: no sigma\nvars: {}\n",
		"r/z/deep/last.yml": rule("4", simple),
	}
	for name, text := range files {
		write(t, dir, name, text)
	}
	names := []string{"r/a.yml", "r/README.md", "r/b/two.yaml", "r/c/pipeline.yml", "r/z/deep/last.yml"}
	var plain, packed, zipped bytes.Buffer
	tw := tar.NewWriter(&plain)
	zw := zip.NewWriter(&zipped)
	for _, name := range names {
		text := files[name]
		if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(tw, text)
		w, err := zw.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, text)
	}
	tw.Close()
	zw.Close()
	gz := gzip.NewWriter(&packed)
	gz.Write(plain.Bytes())
	gz.Close()
	for _, path := range []string{
		filepath.Join(dir, "r"), write(t, dir, "r.tar", plain.String()), write(t, dir, "r.tar.gz", packed.String()),
		write(t, dir, "r.tgz", packed.String()), write(t, dir, "r.zip", zipped.String()),
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			set, err := sigma.Load([]string{path}, sigma.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := ids(set); got != "1 2 3 4" {
				t.Errorf("loaded %s", got)
			}
			if len(set.Failed) > 0 || len(set.Skipped) != 1 || !strings.Contains(set.Skipped[0].Reason, "not a Sigma document") {
				t.Errorf("failed %v, skipped %v", set.Failed, set.Skipped)
			}
			if f := set.Rules[1].File; filepath.Ext(path) != "" && f != path+"!r/b/two.yaml" {
				t.Errorf("a rule is said to be in %s", f)
			}
		})
	}
}

func TestUnreadableSources(t *testing.T) {
	dir := t.TempDir()
	good := write(t, dir, "good.yml", rule("1", simple))
	cut := write(t, dir, "cut.tar.gz", "\x1f\x8b\x08\x00")
	set, err := sigma.Load([]string{filepath.Join(dir, "none"), cut, good}, sigma.Options{})
	if err == nil || !strings.Contains(err.Error(), "none") || !strings.Contains(err.Error(), "cut.tar.gz") {
		t.Errorf("the error is %v", err)
	}
	if ids(set) != "1" {
		t.Errorf("loaded %q", ids(set))
	}
	if _, err := sigma.Load([]string{dir}, sigma.Options{Limits: sigma.Limits{Bytes: 10}}); err == nil {
		t.Error("the limit of bytes is not kept")
	}
	write(t, dir, "more.yml", rule("2", simple))
	if _, err := sigma.Load([]string{dir}, sigma.Options{Limits: sigma.Limits{Files: 1}}); err == nil {
		t.Error("the limit of files is not kept")
	}
	big := write(t, dir, "big/big.yml", strings.Repeat("# long\n", 2_500_000))
	set, err = sigma.Load([]string{big}, sigma.Options{})
	if err != nil || len(set.Failed) != 1 || !strings.Contains(set.Failed[0].Reason, "at most 16777216 are read") {
		t.Errorf("a large file: %v, %v", err, set.Failed)
	}
}

func TestFilters(t *testing.T) {
	filter := func(title, logsource, body string) string {
		return "title: " + title + "\nlogsource: " + logsource + "\nfilter:\n" + indent(body)
	}
	windows := "{product: windows}"
	named := strings.Replace(rule("n", "selection: {a: [1, 2]}\ncondition: selection"), "id: n", "id: n\nname: the_name", 1)
	tests := []struct {
		name, filter string
		n, m         string // values of u at which rules n and m hold, of x y z
		skipped      string
	}{
		{"by id", filter("f", windows, "rules: [N]\nselection: {u: x}\ncondition: not selection"), "y z", "x y z", ""},
		{"by name", filter("f", windows, "rules: the_name\nselection: {u: x}\ncondition: not selection"), "y z", "x y z", ""},
		{"any", filter("f", windows, "rules: any\nselection: {u: x}\ncondition: not selection"), "y z", "y z", ""},
		{"empty list", filter("f", windows, "rules: []\nselection: {u: x}\ncondition: not selection"), "y z", "y z", ""},
		{"the condition is joined by and", filter("f", windows, "rules: any\nselection: {u: x}\ncondition: selection"), "x", "x", ""},
		{"quantifiers", filter("f", windows, "rules: any\none: {u: x}\ntwo: {u: y}\ncondition: not 1 of them and not 1 of o*"), "z", "z", ""},
		{"another log source", filter("f", "{product: linux}", "rules: [n]\ns: {u: x}\ncondition: not s"), "x y z", "x y z", "its logsource is another"},
		{"an unknown rule", filter("f", windows, "rules: [q]\ns: {u: x}\ncondition: not s"), "x y z", "x y z", "no loaded rule"},
		{"two filters", filter("f", windows, "rules: any\ns: {u: x}\ncondition: not s") + "\n---\n" + filter("g", windows, "rules: any\ns: {u: y}\ncondition: not s"), "z", "z", ""},
		{"without values for a placeholder", filter("f", windows, "rules: any\ns: {u|expand: '%p%'}\ncondition: not s"), "x y z", "x y z", "placeholder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := load(t, tt.filter, named, rule("m", "s: {a: 1}\n_t: {a: 9}\ncondition: [s, 1 of _*]"))
			if len(set.Rules) != 2 || len(set.Failed) > 0 {
				t.Fatalf("%d rules; failed %v", len(set.Rules), set.Failed)
			}
			if got := reasons(set.Skipped); !strings.Contains(got, tt.skipped) || tt.skipped == "" && got != "" {
				t.Errorf("skipped: %s", got)
			}
			for i, want := range []string{tt.n, tt.m} {
				e, err := set.Rules[i].Resolve()
				if err != nil {
					t.Fatal(err)
				}
				for _, u := range []string{"x", "y", "z"} {
					check(t, e, `{"a":1,"u":"`+u+`"}`, strings.Contains(want, u))
				}
			}
		})
	}
	var hundred []string
	for i := range 100 {
		hundred = append(hundred, filter(fmt.Sprint(i), windows, fmt.Sprintf("rules: any\ns: {u: %d}\ncondition: not s", i)))
	}
	set := load(t, append(hundred, named)...)
	if len(set.Rules) != 1 || len(set.Failed) > 0 {
		t.Errorf("a hundred filters: failed %v", set.Failed)
	}
}
