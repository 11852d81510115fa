// Package pipeline owns processing pipelines: which records a rule's log source
// stands for, and how those records name the rule's fields. Pipelines are
// written in pySigma's YAML; those for common sources are built in. It refuses
// to judge records, and to ignore anything that a pipeline file asks for.
package pipeline

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"

	"borj.dev/borj/watch/sigma"
)

//go:embed builtin/*.yml
var builtinFiles embed.FS

// Pipelines are the pipelines of one run. It is safe for concurrent use.
type Pipelines struct {
	builtin []*pipeline
	given   []*pipeline // in the order in which they are applied
	vars    map[string][]string

	mu     sync.Mutex
	routes map[string]sigma.Expr // equal routes are one value
}

// pipeline is one YAML document.
type pipeline struct {
	name     string
	file     string
	priority int
	vars     map[string][]string
	items    []*item
}

// item is one entry of transformations.
type item struct {
	id     string
	file   string
	line   int
	rules  conditions[ruleCondition]
	values conditions[itemCondition]
	fields conditions[fieldCondition]
	apply  transformation
}

// Load reads the built-in pipelines, when asked for, and those in paths: YAML
// files, or directories whose *.yml and *.yaml files are read. A file may hold
// several documents, each a pipeline. An error names the file, the line and
// the key.
func Load(builtin bool, paths []string) (*Pipelines, error) {
	p := &Pipelines{routes: map[string]sigma.Expr{}, vars: map[string][]string{}}
	if builtin {
		files, err := fs.Glob(builtinFiles, "builtin/*.yml")
		if err != nil {
			return nil, err
		}
		for _, name := range files {
			text, err := builtinFiles.ReadFile(name)
			if err != nil {
				return nil, err
			}
			list, err := parse("built-in "+strings.TrimPrefix(name, "builtin/"), text)
			if err != nil {
				return nil, err
			}
			p.builtin = append(p.builtin, list...)
		}
	}
	for _, path := range paths {
		files, err := filesAt(path)
		if err != nil {
			return nil, fmt.Errorf("reading pipelines: %w", err)
		}
		for _, file := range files {
			text, err := readBounded(file)
			if err != nil {
				return nil, fmt.Errorf("reading pipeline: %w", err)
			}
			list, err := parse(file, text)
			if err != nil {
				return nil, err
			}
			p.given = append(p.given, list...)
		}
	}
	sort.SliceStable(p.given, func(i, j int) bool { return p.given[i].priority < p.given[j].priority })
	for _, g := range p.given {
		for name, values := range g.vars {
			p.vars[name] = values
		}
	}
	return p, nil
}

func filesAt(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var files []string
	for _, pattern := range []string{"*.yml", "*.yaml"} {
		found, err := filepath.Glob(filepath.Join(path, pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no .yml or .yaml file in this directory", path)
	}
	slices.Sort(files)
	return files, nil
}

// readBounded reads a file of at most maxFile bytes.
func readBounded(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", file, maxFile)
	}
	return os.ReadFile(file)
}

// Names returns the names of the pipelines, the built-in ones first.
func (p *Pipelines) Names() []string {
	var names []string
	for _, l := range [][]*pipeline{p.builtin, p.given} {
		for _, one := range l {
			names = append(names, one.name)
		}
	}
	return names
}

// Route makes r ready for every log source it fits: one Routed for each
// built-in pipeline that adds a condition to it, and then, pipeline after
// pipeline, the given ones. A given pipeline that adds a condition to the rule
// as written stands for a log source of its own and gives one more Routed; one
// that adds none is applied to all that there are. A rule for which no
// condition was added is Generic. r itself is not changed. Routed.Renamed tells
// what became of fields, which are names as rules write them.
//
// An error is a rule that cannot be resolved, or that given pipelines fail
// (rule_failure) and no other makes ready.
func (p *Pipelines) Route(r *sigma.Rule, fields ...string) ([]sigma.Routed, error) {
	var runs []*run
	var failed error
	for _, pl := range p.builtin {
		if !pl.mayApply(r) {
			continue
		}
		// A built-in failure says that this source cannot feed the rule.
		if next, err := p.begin(r, fields).through(pl); err == nil && next.positive && next.emptied() == nil {
			next.forget()
			runs = append(runs, next)
		}
	}
	var adjustments []*pipeline
	for _, pl := range p.given {
		next, err := p.begin(r, fields).through(pl)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if next.positive {
			runs = append(runs, next)
			continue
		}
		adjustments = append(adjustments, pl)
		for i, one := range runs {
			next, err := one.through(pl)
			if err != nil {
				failed = errors.Join(failed, err)
			}
			runs[i] = next
		}
		runs = slices.DeleteFunc(runs, func(one *run) bool { return one == nil })
	}
	if len(runs) == 0 && failed == nil {
		generic := p.begin(r, fields)
		for _, pl := range adjustments {
			var err error
			if generic, err = generic.through(pl); err != nil {
				return nil, err
			}
		}
		runs = append(runs, generic)
	}
	if len(runs) == 0 {
		return nil, failed
	}
	return p.finish(runs)
}

// finish resolves what the pipelines made of a rule.
func (p *Pipelines) finish(runs []*run) ([]sigma.Routed, error) {
	routed := make([]sigma.Routed, 0, len(runs))
	for _, one := range runs {
		if err := one.emptied(); err != nil {
			return nil, err
		}
		expr, err := one.rule.Resolve()
		if err != nil {
			return nil, err
		}
		route, err := p.route(one.added)
		if err != nil {
			return nil, err
		}
		routed = append(routed, sigma.Routed{
			Rule: one.original, Pipeline: strings.Join(one.names, ", "),
			Route: route, Expr: expr, Generic: !one.positive, Renamed: one.renamed,
		})
	}
	return routed, nil
}

// route resolves added conditions, giving equal ones the same value.
func (p *Pipelines) route(added []addedCondition) (sigma.Expr, error) {
	if len(added) == 0 {
		return nil, nil
	}
	var key strings.Builder
	for _, a := range added {
		fmt.Fprintf(&key, "%t ", a.negated)
		describe(&key, a.node)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if e, ok := p.routes[key.String()]; ok {
		return e, nil
	}
	all := make(sigma.And, 0, len(added))
	for _, a := range added {
		one := sigma.Rule{Title: "route", Detection: sigma.Detection{
			Selections: []sigma.Selection{{Name: "route", Node: a.node}},
			Conditions: []string{"route"},
		}}
		e, err := one.Resolve()
		if err != nil {
			return nil, fmt.Errorf("%s:%d: add_condition: %w", a.file, a.line, err)
		}
		if a.negated {
			e = sigma.Not{Of: e}
		}
		if and, ok := e.(sigma.And); ok {
			all = append(all, and...)
		} else {
			all = append(all, e)
		}
	}
	var e sigma.Expr = all
	if len(all) == 1 {
		e = all[0]
	}
	p.routes[key.String()] = e
	return e, nil
}

// describe writes a node so that equal nodes are written alike.
func describe(b *strings.Builder, n sigma.Node) {
	list := func(open string, nodes []sigma.Node, end string) {
		b.WriteString(open)
		for _, one := range nodes {
			describe(b, one)
		}
		b.WriteString(end)
	}
	switch n := n.(type) {
	case sigma.AllOf:
		list("{", n, "}")
	case sigma.AnyOf:
		list("[", n, "]")
	case *sigma.Item:
		fmt.Fprintf(b, "%q%q%q;", n.Field, n.Modifiers, n.Values)
	}
}

// Why says, for a rule that no record fed, which records it waits for.
func Why(routed []sigma.Routed) string {
	if len(routed) == 0 {
		return "no log source"
	}
	ls := routed[0].Rule.LogSource
	var parts []string
	for _, kv := range [][2]string{{"category", ls.Category}, {"product", ls.Product}, {"service", ls.Service}} {
		if kv[1] != "" {
			parts = append(parts, kv[0]+" "+kv[1])
		}
	}
	source := strings.Join(parts, ", ")
	if source == "" {
		source = "no log source"
	}
	if len(routed) == 1 && routed[0].Generic {
		return source + ": no pipeline knows it, so only plain JSON and CSV records feed it, and there were none"
	}
	var names []string
	for _, r := range routed {
		if !slices.Contains(names, r.Pipeline) {
			names = append(names, r.Pipeline)
		}
	}
	return source + ": no record of " + strings.Join(names, ", or of ")
}
