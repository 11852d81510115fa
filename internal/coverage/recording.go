package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// recording is one archive of events that an attack left.
type recording struct {
	name       string // of the archive, without directories
	file       string
	title      string
	techniques []string // T1003.001, as its authors labelled it
}

// readRecordings reads the metadata of the recordings, and keeps those whose
// archive is there, each once.
func readRecordings(dir string) ([]recording, error) {
	files, err := filepath.Glob(filepath.Join(dir, "_metadata", "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: no _metadata/*.yaml there", dir)
	}
	var list []recording
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		of, err := parseMetadata(text, dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, r := range of {
			_, err := os.Stat(r.file)
			known := slices.ContainsFunc(list, func(other recording) bool { return other.file == r.file })
			if err == nil && !known {
				list = append(list, r)
			}
		}
	}
	slices.SortFunc(list, func(a, b recording) int { return strings.Compare(a.name, b.name) })
	return list, nil
}

// parseMetadata reads one metadata file, which may name several archives.
func parseMetadata(text []byte, dir string) ([]recording, error) {
	var meta struct {
		Title   string
		Attacks []struct {
			Technique string
			Sub       string `yaml:"sub-technique"`
		} `yaml:"attack_mappings"`
		Files []struct{ Link string }
	}
	if err := yaml.Unmarshal(text, &meta); err != nil {
		return nil, err
	}
	var techniques []string
	for _, a := range meta.Attacks {
		id := a.Technique
		if a.Sub != "" {
			id += "." + a.Sub
		}
		techniques = append(techniques, id)
	}
	var list []recording
	for _, f := range meta.Files {
		_, path, ok := strings.Cut(f.Link, "/datasets/")
		if !ok || !filepath.IsLocal(filepath.FromSlash(path)) {
			continue
		}
		list = append(list, recording{
			name: filepath.Base(path), file: filepath.Join(dir, filepath.FromSlash(path)),
			title: strings.TrimSpace(meta.Title), techniques: techniques,
		})
	}
	return list, nil
}

// renumbered are techniques that ATT&CK 19 gave other numbers. The public rules
// carry the new ones: the rules that were tagged with the left are tagged with
// the right now.
var renumbered = map[string]string{
	"T1562.002": "T1685.001", // disable or modify Windows event logging
	"T1562.004": "T1686.003", // Windows host firewall
}

// naming is how closely a tag names a technique.
type naming int

const (
	namesNot    naming = iota
	namesBase          // the same technique, but another of its sub-techniques, or none
	namesItself        // the sub-technique; or, of a technique without one, it or a child
)

// names compares a rule's tag, such as attack.t1003.001, with a technique.
func names(tag, technique string) naming {
	id, ok := strings.CutPrefix(strings.ToUpper(tag), "ATTACK.")
	base, _, sub := strings.Cut(technique, ".")
	tagBase, _, _ := strings.Cut(id, ".")
	switch {
	case !ok || tagBase != base:
		return namesNot
	case id == technique || !sub:
		return namesItself
	}
	return namesBase
}

// closest returns how closely tags name one of the techniques.
func closest(tags, techniques []string) naming {
	best := namesNot
	for _, tag := range tags {
		for _, t := range techniques {
			best = max(best, names(tag, t))
		}
	}
	return best
}

// current returns the techniques by their present numbers.
func current(techniques []string) []string {
	now := slices.Clone(techniques)
	for i, t := range now {
		if to, ok := renumbered[t]; ok {
			now[i] = to
		}
	}
	return now
}
