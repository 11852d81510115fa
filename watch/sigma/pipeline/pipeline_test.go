package pipeline

import "testing"

func TestBuiltinLoads(t *testing.T) {
	p, err := Load(true, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(p.Names())
}
