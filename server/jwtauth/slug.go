package jwtauth

import "fmt"

// longestSlug is the length of the longest name of a database.
const longestSlug = 64

// slug returns a text in the characters that the name of a database may have, and
// without a "-", which so can separate it from what follows. Lower-case letters
// and digits stay, every other byte becomes _xx, its two hexadecimal digits: "_"
// is _5f, "A" is _41. Different texts have different slugs.
func slug(text string) string {
	var out []byte
	for i := range len(text) {
		if c := text[i]; 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
			out = append(out, c)
		} else {
			out = fmt.Appendf(out, "_%02x", c)
		}
	}
	return string(out)
}
