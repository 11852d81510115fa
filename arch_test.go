package borj_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite what is generated, instead of comparing")

const module = "borj.dev/borj"

// room is a package, what it owns, and which packages of this module it may
// know. A pattern that ends in /* means the packages beneath it too. The root
// package may be imported by all, and knows nobody.
type room struct {
	owns  string
	knows []string
}

// rooms is the architecture. docs/adr says why it is cut this way.
var rooms = map[string]room{
	"":                     {"the vocabulary that packages share", nil},
	"cmd/borj":             {"the program: one call of cli", []string{"cli"}},
	"cli":                  {"the commands: options, help, exit codes", []string{"watch", "watch/*", "format/*"}},
	"format/jsonstream":    {"walking JSON documents too large to hold, value by value", nil},
	"format/misp":          {"the codec of MISP events and warninglists", []string{"format/jsonstream"}},
	"format/stix":          {"the codec of STIX 2.1 bundles", []string{"format/jsonstream"}},
	"format/stix/pattern":  {"the STIX pattern language: parsing, checking, matching", nil},
	"watch":                {"the engine that joins readers, rules and indicators, and emits hits", []string{"watch/*"}},
	"watch/record":         {"reading events of every format, and the flat view of one event", nil},
	"watch/observable":     {"which field carries which kind of observable, and canonical forms", []string{"watch/record"}},
	"watch/indicator":      {"compiled indicator sets, matching, warninglists", []string{"watch/observable", "watch/record", "format/stix/pattern"}},
	"watch/indicator/feed": {"reading indicators from lists, CSV, STIX and MISP", []string{"format/*", "watch/indicator", "watch/observable"}},
	"watch/sigma":          {"the Sigma specification: rules, filters, modifiers, the plain evaluator", []string{"watch/record"}},
	"watch/sigma/pipeline": {"log sources: pipelines that fit rules to the records of a format", []string{"watch/record", "watch/sigma"}},
	"watch/sigma/match":    {"the fast evaluator of a whole rule set", []string{"watch/record", "watch/sigma"}},
	"watch/sigma/correlate": {"correlation rules over event time, with bounded state",
		[]string{"watch/record", "watch/sigma"}},
	"watch/output":      {"writing hits, rejects, summary, statistics and progress", []string{"watch", "watch/record", "watch/sigma"}},
	"internal/benchdoc": {"running the benchmarks and writing docs/benchmarks.md", nil},
	"internal/coverage": {"measuring which recorded attacks the rules name, and writing docs/detection-coverage.md", []string{"watch", "watch/*"}},
	"internal/recorded": {"the way from a test to the recordings beside the project", nil},
	"internal/soak":     {"running every fuzz target and the long sweeps, and writing docs/reliability.md", nil},
}

// outside bounds what comes from elsewhere: a library is for the packages that
// were meant to have it. The paths are prefixes.
var outside = map[string][]string{
	"github.com/alecthomas/kong":      {"cli"},
	"golang.org/x/term":               {"cli"},
	"github.com/klauspost/compress":   {"watch/record", "watch/indicator/feed", "watch/sigma"},
	"database/sql":                    {},
	"net/http":                        {},
	"github.com/rogpeppe/go-internal": {"cli"},
}

type goPackage struct {
	ImportPath, Name, Doc              string
	Imports, TestImports, XTestImports []string
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Doc,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatalf("read what go list wrote: %v", err)
		}
		list = append(list, p)
	}
}

// TestPackageComments holds each package to saying what it is for, and not for.
func TestPackageComments(t *testing.T) {
	for _, p := range listPackages(t) {
		if !strings.Contains(p.Doc, " owns ") && p.Name != "main" && p.Name != "borj" || p.Doc == "" {
			t.Errorf("the comment of package %s does not say what it owns, and what it refuses: %q", p.ImportPath, p.Doc)
		}
	}
}

// short is a package's path within the module, and whether it is of it.
func short(importPath string) (string, bool) {
	if importPath == module {
		return "", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func TestArchitecture(t *testing.T) {
	for _, p := range listPackages(t) {
		name, _ := short(p.ImportPath)
		r, listed := rooms[name]
		if !listed {
			t.Errorf("package %s is not in the map of rooms (arch_test.go).\n"+
				"Say there in one line what it owns and whom it may know, then run `make generate`. "+
				"If an existing package owns that already, put the code there instead.", name)
			continue
		}
		for _, to := range p.Imports {
			checkImport(t, name, r.knows, to, "")
		}
		// A test may also know its own package's neighbours above: an external
		// test drives a package through whoever uses it. And any may be tried on
		// recordings.
		for _, to := range slices.Concat(p.TestImports, p.XTestImports) {
			checkImport(t, name, append([]string{name, "watch/*", "format/*", "internal/recorded"}, r.knows...), to, " in a test")
		}
	}
}

func checkImport(t *testing.T, from string, knows []string, importPath, where string) {
	t.Helper()
	to, ours := short(importPath)
	if !ours {
		for prefix, users := range outside {
			if (importPath == prefix || strings.HasPrefix(importPath, prefix+"/")) && !allowed(users, from) && where == "" {
				t.Errorf("%s imports %s, which is meant for %s only.\n"+
					"A library known in one place can be replaced in one place: call that place instead, "+
					"or write down in docs/adr why a second one needs it, and change `outside` in arch_test.go.",
					from, importPath, describe(users))
			}
		}
		return
	}
	if to != "" && !allowed(knows, to) {
		t.Errorf("%s imports %s%s, but may know only %s.\n"+
			"Records move one way, and codecs are leaves. Move the code to whoever may know both, pass a plain value or "+
			"a function in, or write down in docs/adr why the rooms are cut wrongly, and change `rooms` in arch_test.go.",
			from, to, where, describe(knows))
	}
}

func allowed(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if above, ok := strings.CutSuffix(p, "/*"); ok {
			return strings.HasPrefix(name, above+"/")
		}
		return p == name
	})
}

func describe(names []string) string {
	if len(names) == 0 {
		return "the standard library and libraries"
	}
	return strings.Join(names, ", ")
}

func TestRoomsExist(t *testing.T) {
	there := make(map[string]bool)
	for _, p := range listPackages(t) {
		name, _ := short(p.ImportPath)
		there[name] = true
	}
	for name := range rooms {
		if !there[name] {
			t.Errorf("the map of rooms (arch_test.go) lists %q, which does not exist: take it out, or build it", name)
		}
	}
}

const (
	listBegins = "<!-- packages: generated by `make generate` from arch_test.go -->\n"
	listEnds   = "<!-- packages end -->"
)

// TestPackageList holds the README's list of packages to the map of rooms.
func TestPackageList(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), listBegins)
	old, after, ok2 := strings.Cut(rest, listEnds)
	if !ok || !ok2 {
		t.Fatalf("README.md has lost the marks %q and %q", listBegins, listEnds)
	}
	want := packageList()
	if old == want {
		return
	}
	if !*update {
		t.Fatal("the README's list of packages is not what arch_test.go says: run `make generate`")
	}
	if err := os.WriteFile("README.md", []byte(before+listBegins+want+listEnds+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func packageList() string {
	var names []string
	for name := range rooms {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("\n| package | owns |\n|---|---|\n")
	for _, name := range names {
		fmt.Fprintf(&b, "| [`%s`](%s) | %s |\n", path.Join("borj", name), path.Join(".", name), rooms[name].owns)
	}
	b.WriteString("\n")
	return b.String()
}
