package indicator

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"borj.dev/borj/watch/observable"
)

// Feeds of address and port name few ports: every record to one of them holds a
// part of very many indicators.
func TestTermThatManyIndicatorsShare(t *testing.T) {
	b := NewBuilder(nil)
	for i := range 50_000 {
		in := Indicator{
			Term:    Term{Kind: observable.IPv4, Value: fmt.Sprintf("10.0.%d.%d", i/256%256, i%256), Role: observable.Destination},
			And:     []Term{{Kind: observable.DestinationPort, Value: "443"}},
			Pattern: fmt.Sprint("p", i),
		}
		if i%500 == 0 { // both of its terms are common
			in.Term = Term{Kind: observable.SourcePort, Value: "53"}
		}
		if err := b.Add(&in); err != nil {
			t.Fatal(err)
		}
	}
	s := b.Build()
	start := time.Now()
	for range 20 {
		for raw, want := range map[string]string{
			`{"src_ip":"192.0.2.1","dest_ip":"10.0.5.1","dest_port":443}`: "pattern p1281 in dest_ip dest_port",
			`{"src_ip":"10.0.5.1","dest_ip":"192.0.2.1","dest_port":443}`: "",
			`{"src_ip":"192.0.2.1","dest_ip":"10.0.5.1","dest_port":80}`:  "",
		} {
			if d := cmp.Diff(want, strings.Join(hits(t, s, raw), ", ")); d != "" {
				t.Errorf("%s: %s", raw, d)
			}
		}
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("60 records took %s", took)
	}
	if got := hits(t, s, `{"src_port":53,"dest_port":443}`); len(got) != 100 {
		t.Errorf("%d indicators of two common terms hit, not 100", len(got))
	}
}
