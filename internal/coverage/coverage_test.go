package main

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"borj.dev/borj/watch/sigma"
)

var update = flag.Bool("update", false, "rewrite the golden file, instead of comparing")

func TestNames(t *testing.T) {
	for _, c := range []struct {
		tag, technique string
		want           naming
	}{
		{"attack.t1003.001", "T1003.001", namesItself},
		{"attack.T1003.001", "T1003.001", namesItself},
		{"attack.t1003.001", "T1003", namesItself},
		{"attack.t1003", "T1003", namesItself},
		{"attack.t1003", "T1003.001", namesBase},
		{"attack.t1003.002", "T1003.001", namesBase},
		{"attack.t1005", "T1003", namesNot},
		{"attack.t10030", "T1003", namesNot},
		{"attack.credential-access", "T1003", namesNot},
		{"cve.2024-1", "T1003", namesNot},
		{"t1003", "T1003", namesNot},
	} {
		if got := names(c.tag, c.technique); got != c.want {
			t.Errorf("names(%q, %q) = %v, want %v", c.tag, c.technique, got, c.want)
		}
	}
}

const metadata = `
title: "Something recorded "
attack_mappings:
  - technique: T1003
    sub-technique: "001"
  - technique: T1049
    sub-technique:
files:
  - type: Host
    link: https://example.org/main/datasets/atomic/one.zip
  - type: Host
    link: https://example.org/main/datasets/../../etc/passwd
  - type: Network
    link: https://example.org/elsewhere.zip
`

func TestMetadata(t *testing.T) {
	got, err := parseMetadata([]byte(metadata), "dir")
	if err != nil {
		t.Fatal(err)
	}
	want := []recording{{
		name: "one.zip", file: filepath.Join("dir", "atomic", "one.zip"),
		title: "Something recorded", techniques: []string{"T1003.001", "T1049"},
	}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(recording{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if _, err := parseMetadata([]byte("attack_mappings: 7"), ""); err == nil {
		t.Error("metadata of another shape was read without an error")
	}
}

func TestWithoutExceptions(t *testing.T) {
	a, b := &sigma.Match{Field: "a"}, &sigma.Match{Field: "b"}
	var want sigma.Expr = sigma.And{a, sigma.And{}, sigma.Or{sigma.And{}}}
	got := withoutExceptions(sigma.And{a, sigma.Not{Of: b}, sigma.Or{sigma.Not{Of: a}}})
	if !reflect.DeepEqual(want, got) {
		t.Errorf("got %#v, want %#v", got, want)
	}
}

// TestPage holds the page to a small report of every kind of outcome.
func TestPage(t *testing.T) {
	exact := &sigma.Rule{ID: "1", Title: "Exact", Level: sigma.High, Tags: []string{"attack.t1003.001"}}
	close := &sigma.Rule{ID: "2", Title: "Close", Level: sigma.Low, Tags: []string{"attack.t1003"}}
	of := func(name, technique string) recording { return recording{name: name, techniques: []string{technique}} }
	now := outcome{recording: of("old.zip", "T1685.001"), events: 4, tagged: 1, fed: 1, naming: namesItself, by: exact}
	background := newCounts("recordings' background")
	background.events = 2000
	background.add(close, 3)
	rep := report{rules: 2, background: background, benign: []counts{newCounts("nothing")}, outcomes: []outcome{
		{recording: of("exact.zip", "T1003.001"), events: 7, tagged: 2, fed: 2, naming: namesItself, by: exact},
		{recording: of("close.zip", "T1003.001"), tagged: 2, fed: 2, naming: namesBase, by: close},
		{recording: of("missed.zip", "T1049"), tagged: 3, fed: 1},
		{recording: of("excepted.zip", "T1049"), tagged: 3, fed: 1, near: []string{"A rule"}},
		{recording: of("unknown.zip", "T9999")},
		{recording: of("old.zip", "T1562.002"), renewed: &now},
	}}
	got := rep.page()
	golden := filepath.Join("testdata", "page.md")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); if it should, run go test -update\n%s", golden, diff)
	}
}
