package sigma

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of one file.
const (
	maxFileBytes  = 16 << 20
	maxDocuments  = 10_000    // in one file
	maxNodes      = 2_000_000 // of all its documents, aliases followed
	maxValues     = 20_000    // of one item
	maxNodeDepth  = 32
	maxSelections = 1000 // of one detection
)

// document is what one YAML document of a rule file is: exactly one of rule,
// correlation, filter and failure, or nothing when it is no Sigma at all.
type document struct {
	rule        *Rule
	correlation *Correlation
	filter      *Filter
	failure     *Failure
	status      string // of what failed, too
}

// Parse reads the documents of one file. Each becomes a rule, a correlation, a
// filter or a failure; modifiers and conditions are looked at by Resolve. A
// document whose status is deprecated or unsupported is read like any other.
// The legacy collections (action: global, repeat, reset) are joined.
func Parse(file string, text []byte) (rules []*Rule, correlations []*Correlation, filters []*Filter, failed []Failure) {
	for _, d := range parseFile(file, text) {
		switch {
		case d.rule != nil:
			rules = append(rules, d.rule)
		case d.correlation != nil:
			correlations = append(correlations, d.correlation)
		case d.filter != nil:
			filters = append(filters, d.filter)
		case d.failure != nil:
			failed = append(failed, *d.failure)
		}
	}
	return rules, correlations, filters, failed
}

func parseFile(file string, text []byte) []document {
	fail := func(line int, reason string) document {
		return document{failure: &Failure{File: file, Line: max(line, 1), Reason: reason}}
	}
	if len(text) > maxFileBytes {
		return []document{fail(1, fmt.Sprintf("the file is %d bytes long; at most %d are read", len(text), maxFileBytes))}
	}
	var docs []document
	var actions actions
	budget := maxNodes
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for n := 0; ; n++ {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs
		}
		if err != nil {
			line, reason := yamlError(err)
			return append(docs, fail(line, reason))
		}
		if n >= maxDocuments {
			return append(docs, fail(doc.Line, fmt.Sprintf("the file has more than %d documents", maxDocuments)))
		}
		if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
			continue
		}
		line := doc.Content[0].Line
		root, err := actions.apply(doc.Content[0], &budget)
		if err != nil {
			docs = append(docs, fail(line, err.Error()))
			continue
		}
		if budget < 0 {
			return append(docs, fail(line, errParts.Error()))
		}
		if root != nil {
			docs = append(docs, parseDocument(file, line, root, &budget))
		}
	}
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// yamlError takes the line out of what the YAML library says.
func yamlError(err error) (line int, reason string) {
	text := err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	}
	return line, "not valid YAML: " + strings.TrimPrefix(text, "yaml: ")
}

// actions joins the documents of a legacy collection. Its zero value is ready.
type actions struct {
	global, previous *yaml.Node
}

// apply returns the document to read, or nil when it only prepares others.
func (a *actions) apply(doc *yaml.Node, budget *int) (*yaml.Node, error) {
	if doc.Kind != yaml.MappingNode {
		return doc, nil
	}
	action := ""
	for i := 0; i+1 < len(doc.Content); i += 2 {
		if doc.Content[i].Value == "action" {
			action = doc.Content[i+1].Value
			doc.Content = append(doc.Content[:i:i], doc.Content[i+2:]...)
			break
		}
	}
	join := func(under *yaml.Node) (*yaml.Node, error) {
		if under == nil {
			return doc, nil
		}
		return joinNodes(under, doc, budget)
	}
	var err error
	switch action {
	case "global":
		a.global, err = join(a.global)
		return nil, err
	case "reset":
		a.global, a.previous = nil, nil
		return nil, nil
	case "repeat":
		if a.previous == nil {
			return nil, fmt.Errorf("action: repeat has no rule before it to repeat")
		}
		a.previous, err = join(a.previous)
	case "":
		a.previous, err = join(a.global)
	default:
		return nil, fmt.Errorf("unknown action %q; there are global, repeat and reset, and correlation rules need none", action)
	}
	return a.previous, err
}

// joinNodes returns under with what over says written over it; maps are joined
// key by key.
func joinNodes(under, over *yaml.Node, budget *int) (*yaml.Node, error) {
	if *budget -= 1 + len(under.Content); *budget < 0 {
		return nil, errParts
	}
	if under.Kind != yaml.MappingNode || over.Kind != yaml.MappingNode {
		return over, nil
	}
	out := *over
	out.Content = append([]*yaml.Node(nil), under.Content...)
	at := make(map[string]int, len(out.Content)/2)
	for i := 0; i+1 < len(out.Content); i += 2 {
		at[out.Content[i].Value] = i + 1
	}
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		j, ok := at[key.Value]
		if !ok {
			out.Content = append(out.Content, key, value)
			continue
		}
		joined, err := joinNodes(out.Content[j], value, budget)
		if err != nil {
			return nil, err
		}
		out.Content[j] = joined
	}
	return &out, nil
}

// parseDocument reads one document.
func parseDocument(file string, line int, root *yaml.Node, budget *int) document {
	r := &reader{budget: budget}
	m := r.mapping(root, "the document")
	d := document{status: strings.ToLower(r.scalar(m, "status"))}
	var name string
	switch {
	case r.err != nil:
	case m.has("correlation"):
		d.correlation = r.correlation(m)
		d.correlation.File, d.correlation.Line = file, line
		name = firstOf(d.correlation.ID, d.correlation.Title)
	case m.has("filter"):
		d.filter = r.filter(m)
		d.filter.File, d.filter.Line = file, line
		name = firstOf(d.filter.ID, d.filter.Title)
	case m.has("logsources"): // the configuration of an older converter, which rule archives still hold
		d.failure = &Failure{File: file, Line: line, Reason: notSigma}
		return d
	case m.has("detection") || m.has("logsource") || m.has("title"):
		d.rule = r.rule(m)
		d.rule.File, d.rule.Line = file, line
		name = firstOf(d.rule.ID, d.rule.Title)
	default:
		d.failure = &Failure{File: file, Line: line, Reason: notSigma}
		return d
	}
	if r.err != nil {
		if r.line > 0 {
			line = r.line
		}
		return document{failure: &Failure{File: file, Line: line, Rule: name, Reason: r.err.Error()}, status: d.status}
	}
	return d
}

const notSigma = "not a Sigma document: it has neither detection, correlation nor filter"

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// rule reads a detection rule.
func (r *reader) rule(m mapping) *Rule {
	rule := &Rule{
		ID: r.scalar(m, "id"), Name: r.scalar(m, "name"), Title: r.scalar(m, "title"),
		Description: r.scalar(m, "description"), Status: strings.ToLower(r.scalar(m, "status")),
		Level: r.level(m), Tags: r.strings(m, "tags"), Author: r.anything(m, "author"),
		Date: r.scalar(m, "date"), Modified: r.scalar(m, "modified"),
		References: r.strings(m, "references"), FalsePositives: r.strings(m, "falsepositives"),
		Fields: r.strings(m, "fields"), Taxonomy: firstOf(r.scalar(m, "taxonomy"), "sigma"),
	}
	r.require(m, "title", "a rule needs a title")
	r.status(m)
	rule.LogSource = r.logSource(m, "a rule")
	if !m.has("detection") {
		r.fail(0, "a rule needs a detection with a selection and a condition")
		return rule
	}
	rule.Detection = r.detection(m, "detection")
	rule.Custom = r.custom(m)
	return rule
}

// known are the attributes that the specification names.
var known = map[string]bool{
	"title": true, "id": true, "name": true, "related": true, "taxonomy": true, "status": true,
	"description": true, "license": true, "author": true, "references": true, "date": true,
	"modified": true, "logsource": true, "detection": true, "fields": true,
	"falsepositives": true, "level": true, "tags": true, "scope": true, "correlation": true, "filter": true,
}

func (r *reader) custom(m mapping) map[string]any {
	var out map[string]any
	for _, e := range m.list {
		if known[e.key] {
			continue
		}
		var v any
		if err := e.value.Decode(&v); err != nil {
			_, reason := yamlError(err)
			r.fail(e.line, "%s: %s", e.key, reason)
			continue
		}
		if out == nil {
			out = map[string]any{}
		}
		out[e.key] = v
	}
	return out
}

func (r *reader) require(m mapping, key, reason string) {
	if r.scalar(m, key) == "" {
		r.fail(m.line(key), "%s", reason)
	}
}

func (r *reader) status(m mapping) {
	switch s := r.scalar(m, "status"); strings.ToLower(s) {
	case "", "stable", "test", "experimental", "deprecated", "unsupported":
	default:
		r.fail(m.line("status"), "unknown status %q; there are stable, test, experimental, deprecated and unsupported", s)
	}
}

func (r *reader) level(m mapping) Level {
	s := r.scalar(m, "level")
	l, ok := ParseLevel(s)
	if !ok && s != "" {
		r.fail(m.line("level"), "unknown level %q; there are informational, low, medium, high and critical", s)
	}
	return l
}

func (r *reader) logSource(m mapping, what string) LogSource {
	if !m.has("logsource") {
		r.fail(0, "%s needs a logsource with a category, product or service", what)
		return LogSource{}
	}
	e, _ := m.get("logsource")
	s := r.mapping(e.value, "logsource")
	l := LogSource{
		Category: r.scalar(s, "category"), Product: r.scalar(s, "product"),
		Service: r.scalar(s, "service"), Definition: r.scalar(s, "definition"),
	}
	if l.Category == "" && l.Product == "" && l.Service == "" {
		r.fail(m.line("logsource"), "the logsource needs a category, product or service")
	}
	return l
}

// detection reads the detection of a rule, or the filter of a filter, whose
// key rules is no selection.
func (r *reader) detection(document mapping, what string) Detection {
	var d Detection
	at, _ := document.get(what)
	m := r.mapping(at.value, what)
	for _, e := range m.list {
		switch {
		case e.key == "condition":
			d.Conditions, d.Line = r.strings(m, "condition"), e.line
		case e.key == "timeframe" || e.key == "rules" && what == "filter":
		case e.key == "":
			r.fail(e.line, "a selection needs a name")
		default:
			d.Selections = append(d.Selections, Selection{Name: e.key, Node: r.selection(e.value, "selection "+e.key, 0), Line: e.line})
		}
	}
	switch {
	case len(d.Conditions) == 0:
		r.fail(at.line, "the %s needs a condition, such as condition: selection", what)
	case len(d.Selections) == 0:
		r.fail(at.line, "the %s needs at least one selection", what)
	case len(d.Selections) > maxSelections:
		r.fail(at.line, "the %s has %d selections; at most %d are read", what, len(d.Selections), maxSelections)
	}
	return d
}

// selection reads a map (and), a list (or), or a single keyword.
func (r *reader) selection(n *yaml.Node, what string, depth int) Node {
	n = r.follow(n)
	if depth > maxNodeDepth {
		r.fail(n.Line, "%s nests deeper than %d levels", what, maxNodeDepth)
	}
	if r.err != nil {
		return AnyOf{}
	}
	switch n.Kind {
	case yaml.MappingNode:
		var all AllOf
		for _, e := range r.mapping(n, what).list {
			all = append(all, r.item(e, what))
		}
		if len(all) == 0 {
			r.fail(n.Line, "%s is empty", what)
		}
		return all
	case yaml.SequenceNode:
		var list AnyOf
		keywords := &Item{Line: n.Line}
		for _, part := range n.Content {
			part = r.follow(part)
			if r.err != nil {
				return list
			}
			if part.Kind != yaml.ScalarNode {
				list = append(list, r.selection(part, what, depth+1))
				continue
			}
			if len(keywords.Values) == 0 {
				list = append(list, keywords)
			}
			keywords.Values = append(keywords.Values, r.value(part))
		}
		if len(list) == 0 {
			r.fail(n.Line, "%s is empty", what)
		}
		return list
	}
	return &Item{Values: []Value{r.value(n)}, Line: n.Line}
}

// item reads one entry of a map: field|modifiers: values.
func (r *reader) item(e entry, what string) *Item {
	field, modifiers, modified := strings.Cut(e.key, "|")
	it := &Item{Field: field, Line: e.line}
	if modified {
		it.Modifiers = strings.Split(modifiers, "|")
	}
	if field == "" && !modified {
		r.fail(e.line, "%s: a field needs a name", what)
	}
	it.Values = r.values(e.value, nil, what+", "+e.key, 0)
	return it
}

func (r *reader) values(n *yaml.Node, out []Value, what string, depth int) []Value {
	n = r.follow(n)
	switch {
	case r.err != nil:
	case n.Kind == yaml.ScalarNode:
		out = append(out, r.value(n))
	case n.Kind == yaml.SequenceNode && depth <= maxNodeDepth:
		for _, part := range n.Content {
			out = r.values(part, out, what, depth+1)
		}
	default:
		r.fail(n.Line, "%s: a value must be text, a number, true, false, null, or a list of these", what)
	}
	if len(out) > maxValues {
		r.fail(n.Line, "%s has more than %d values", what, maxValues)
	}
	return out
}
