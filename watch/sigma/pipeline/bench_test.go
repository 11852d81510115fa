package pipeline

import (
	"testing"

	"borj.dev/borj/watch/sigma"
)

// BenchmarkRoute routes rules of the commonest log source.
func BenchmarkRoute(b *testing.B) {
	p, err := Load(true, nil)
	if err != nil {
		b.Fatal(err)
	}
	r := rule(b, "{product: windows, category: process_creation}",
		"img:\n  - Image|endswith: [\\a.exe, \\b.exe]\n  - OriginalFileName: a.exe\ncli:\n  CommandLine|contains|all: [' -x ', ' -y ']\nf: {ParentImage|startswith: 'C:\\Program Files\\'}\ncondition: img and cli and not f")
	var routed []sigma.Routed
	for b.Loop() {
		if routed, err = p.Route(r); err != nil {
			b.Fatal(err)
		}
	}
	if len(routed) != 2 {
		b.Fatalf("%d routes", len(routed))
	}
}

// BenchmarkLoad reads the built-in pipelines.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(true, nil); err != nil {
			b.Fatal(err)
		}
	}
}
