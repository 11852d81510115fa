package record

import (
	"os"
	"path/filepath"
	"testing"
)

func TestJSONLinesOfFile(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, "eve.json")
	body := "{\"event_type\":\"dns\",\"timestamp\":\"x\"}\n\n broken \n{\"event_type\":\"dns\",\"timestamp\":\"y\"}"
	if err := os.WriteFile(p, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open([]string{p}, Options{Auto: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fl := NewFlattener(NewPaths(0), DefaultLimits)
	good, bad := 0, 0
	for {
		c, err := s.Next()
		if err != nil {
			break
		}
		c.Each(fl, func(int, *Record) { good++ }, func(n int, r Reject) { bad++; t.Logf("%+v", r) })
		c.Release()
	}
	t.Log(s.Inputs(), s.Problems())
	if good != 2 || bad != 1 {
		t.Fatal(good, bad)
	}
}
