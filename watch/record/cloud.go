package record

import "slices"

// Cloud services deliver their audit records as an array within an object:
// {"Records":[…]} (AWS CloudTrail), {"records":[…]} (Azure), {"value":[…]}
// (Microsoft Graph), {"Events":[…]}, {"entries":[…]}, {"items":[…]}.
var wrapperKeys = []string{"Records", "records", "value", "Events", "events", "entries", "items"}

// wrapperRoom is how many members may stand before the array: an event that
// has such an array of its own has more to say than that.
const wrapperRoom = 6

// wrapperKey returns the key of the array that holds the records, if text
// begins with an object that is nothing but their wrapping, and "" otherwise.
func wrapperKey(text []byte) string {
	i := skipSpace(text, 0)
	if i >= len(text) || text[i] != '{' {
		return ""
	}
	for range wrapperRoom {
		i = skipSpace(text, i+1)
		if i >= len(text) || text[i] != '"' {
			return ""
		}
		end, _, err := stringEnd(text, i+1)
		if err != nil {
			return ""
		}
		key := string(text[i+1 : end])
		if i = skipSpace(text, end+1); i >= len(text) || text[i] != ':' {
			return ""
		}
		if i = skipSpace(text, i+1); i >= len(text) {
			return ""
		}
		if text[i] == '[' {
			next := skipSpace(text, i+1)
			switch {
			case next >= len(text):
				return ""
			case text[next] == '{' && slices.Contains(wrapperKeys, key):
				return key
			case text[next] == ']' && key == wrapperKeys[0]:
				return key // no records, but certainly a wrapper
			case text[next] == '{':
				return "" // an array of objects under another name: this is an event
			}
		}
		if i = skipValue(text, i); i < 0 {
			return ""
		}
		if i = skipSpace(text, i); i >= len(text) || text[i] != ',' {
			return ""
		}
	}
	return ""
}

// skipValue returns where the JSON value at i ends, or -1 if it does not.
func skipValue(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch c := text[i]; c {
		case '"':
			end, _, err := stringEnd(text, i+1)
			if err != nil {
				return -1
			}
			i = end
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',', ':', ' ', '\t', '\r', '\n':
		default:
			end, kind := scalarEnd(text, i)
			if kind == Text {
				return -1
			}
			i = end - 1
		}
		i++
		if depth == 0 {
			return i
		}
		if depth < 0 {
			return -1
		}
	}
	return -1
}
