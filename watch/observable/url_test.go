package observable

import (
	"testing"

	"pgregory.net/rapid"
)

// TestJoinedURLsAreCanonical compares the URL of a request with the canonical
// form of the same URL in one piece.
func TestJoinedURLsAreCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Za-zü0-9.-]{1,10}(:(80|8080|0443)?)?`).Draw(t, "host")
		target := "/" + rapid.StringMatching(`[a-z%0-9A-F#?ü "/]{0,12}`).Draw(t, "target")
		want, _, err := appendCanonical(URL, []byte("http://"+name+target), nil)
		got, joined := appendJoined(nil, []byte(name), []byte(target))
		if (err == nil) != (joined == nil) || err == nil && string(want) != string(got) {
			t.Fatalf("host %q, target %q: %q, %v; in one piece %q, %v", name, target, got, joined, want, err)
		}
	})
}
