package jwtauth

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A template makes patterns of claims: user-{sub}, team-{org}_*. Tokens whose
// claims differ never open the same database through one template. That needs two
// things:
//
//   - Its text can be split again. Before the first star, a claim ends where the
//     text behind it occurs first; after the last star, it begins behind the last
//     occurrence of the text in front of it. What remains is at most one claim
//     without a star, which is the rest. So claims and stars need text between
//     them, and no claim stands between two stars.
//   - The value of a claim does not contain that text, nor run into it: fill
//     refuses those that do.
type template struct {
	text  string
	parts []part
}

// A part of a template is text, a claim or a star.
type part struct {
	text   string // empty for a claim or a star
	claim  string
	escape string // one of escapes, or empty

	// The text that separates a claim from the other claims and stars; at most one
	// of both is set.
	before, after string
}

func (p part) isStar() bool { return p.text == "" && p.claim == "" }

var tokenForm = regexp.MustCompile(`\*|\{[^{}]*\}|[^*{}]+`)

// Escapes of claims: user-{sub:slug}, team-{org:number}.
const (
	slugEscape   = "slug"
	numberEscape = "number"
)

var escapes = []string{slugEscape, numberEscape}

// escapeForm is what comes after the last colon of a claim in a template. The names
// of claims have colons too: https://example.com/org.
var escapeForm = regexp.MustCompile(`^\w*$`)

func parseTemplates(texts []string) ([]template, error) {
	var templates []template
	for _, text := range texts {
		t, err := parseTemplate(text)
		if err != nil {
			return nil, fmt.Errorf("the pattern %q has %w; good ones are user-{sub} and team_{org}_*", text, err)
		}
		templates = append(templates, t)
	}
	return templates, nil
}

// parseTemplate reads a template. The error says what it has that it must not have.
func parseTemplate(text string) (template, error) {
	tokens := tokenForm.FindAllString(text, -1)
	if strings.Join(tokens, "") != text {
		return template{}, errors.New("a { without its }, or the other way round")
	}
	t := template{text: text}
	for _, token := range tokens {
		p := part{text: token}
		switch token[0] {
		case '*':
			p = part{}
		case '{':
			var err error
			if p, err = parseClaim(token[1 : len(token)-1]); err != nil {
				return template{}, err
			}
		}
		t.parts = append(t.parts, p)
	}
	if !t.shape().isPossible() {
		return template{}, fmt.Errorf("no form that a database can be called by: %s", nameRule)
	}
	return t, t.separate()
}

// shape returns the pattern that a template makes of the shortest claims.
func (t template) shape() pattern {
	shape := pattern{""}
	for _, p := range t.parts {
		switch {
		case p.isStar():
			shape = append(shape, "")
		case p.claim != "":
			shape[len(shape)-1] += "a"
		default:
			shape[len(shape)-1] += p.text
		}
	}
	return shape
}

// parseClaim reads what is between { and }: the name of a claim, and an escape after
// a colon. An empty escape is for names that look as if they had one: {custom:org:}.
func parseClaim(inside string) (part, error) {
	p := part{claim: inside}
	if i := strings.LastIndexByte(inside, ':'); i >= 0 && escapeForm.MatchString(inside[i+1:]) {
		p.claim = inside[:i]
		p.escape = inside[i+1:]
		if p.escape != "" && !slices.Contains(escapes, p.escape) {
			return part{}, fmt.Errorf("the unknown escape %q: there are %s, and a claim whose name has a colon is written {%s:}",
				p.escape, strings.Join(escapes, " and "), inside)
		}
	}
	switch {
	case p.claim == "":
		return part{}, errors.New("a claim without a name")
	case strings.Contains(p.claim, "*"):
		return part{}, errors.New("a * inside of { and }")
	}
	return p, nil
}

// separate finds the text that separates each claim from the others. The error says
// what a template has where that is impossible.
func (t template) separate() error {
	stars := 0
	for _, p := range t.parts {
		if p.isStar() {
			stars++
		}
	}
	seen := 0 // stars
	for i := range t.parts {
		p := &t.parts[i]
		isLast := !slices.ContainsFunc(t.parts[i+1:], func(later part) bool { return later.text == "" })
		switch {
		case p.isStar():
			seen++
			continue
		case p.text != "":
			continue
		case 0 < seen && seen < stars:
			return fmt.Errorf("the claim %s between two stars, where nobody could tell it from them", p.claim)
		case hasNeighbour(t.parts, i):
			return fmt.Errorf("nothing between the claim %s and the claim or star beside it: put a separator there", p.claim)
		case seen > 0:
			p.before = t.parts[i-1].text
		case !isLast:
			p.after = t.parts[i+1].text
		}
		if separator := p.before + p.after; p.escape == slugEscape && separator != "" && !strings.Contains(separator, "-") {
			return fmt.Errorf("%q beside the slug of %s, which may contain that: separate it with a -", separator, p.claim)
		}
	}
	return nil
}

// hasNeighbour reports whether a claim or a star is right next to a part.
func hasNeighbour(parts []part, i int) bool {
	return i > 0 && parts[i-1].text == "" || i+1 < len(parts) && parts[i+1].text == ""
}

// fill puts claims in. The error is a refusal.
func (t template) fill(c claims) (pattern, error) {
	filled := pattern{""}
	escaped := "" // the last claim that is
	for _, p := range t.parts {
		text := p.text
		switch {
		case p.isStar():
			filled = append(filled, "")
			continue
		case p.claim != "":
			var err error
			if text, err = p.value(c, t.text); err != nil {
				return nil, err
			}
		}
		if p.escape == slugEscape {
			escaped = p.claim
		}
		filled[len(filled)-1] += text
	}
	if escaped != "" && !filled.isPossible() {
		return nil, refuse(badClaim, escaped, fmt.Sprintf("one that %s makes the name of a database of: %s", t.text, nameRule))
	}
	return filled, nil
}

// value returns what is put in for a claim of a template. The error is a refusal.
func (p part) value(c claims, template string) (string, error) {
	read := c.text
	if p.escape == numberEscape {
		read = c.number
	}
	value, err := read(p.claim)
	if err != nil {
		return "", err
	}
	if p.escape == slugEscape {
		if value = slug(value); len(value) > longestSlug {
			return "", refuse(badClaim, p.claim, fmt.Sprintf("short enough: escaped for the name of a database, it has more than %d characters", longestSlug))
		}
	}
	if p.before != "" && strings.LastIndex(p.before+value, p.before) != 0 ||
		p.after != "" && strings.Index(value+p.after, p.after) != len(value) {
		return "", refuse(badClaim, p.claim, fmt.Sprintf("free of %q, which separates it in the pattern %s, so it could open what belongs to others: put another separator there, or write {%s:%s} and separate it with a -",
			p.before+p.after, template, p.claim, slugEscape))
	}
	return value, nil
}
