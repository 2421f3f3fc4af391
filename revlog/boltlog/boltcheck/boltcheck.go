// Package boltcheck checks the pages of a bbolt file before bbolt follows them. bbolt
// trusts what it reads: on a damaged page it panics, looks outside of the file, or
// goes round in circles until the process has used up its stack, which nothing can
// stop. Pages are in the byte order of the machine:
//
//	page     id 8, flags 2, count 2, overflow 4: it goes on over so many more pages
//	branch   then count times: position 4 and size 4 of a key, page 8
//	leaf     then count times: flags 4, position 4 of a key, its size 4, size of the value 4
//	freelist then count pages, 8 each; if count is 0xffff, behind how many there are, 8
//	meta     then magic 4, version 4, page size 4, flags 4, root page 8, sequence 8,
//	         freelist 8, pages 8, transaction 8, FNV-64a of those 8
//
// A position counts from where the element begins. A leaf's element with the
// flag for a bucket has in its value the root page 8 and the sequence 8 of the
// bucket, or root page 0, the sequence, and the one page there is of it.
package boltcheck

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

const (
	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	noFreelist   = ^uint64(0)

	bucketElement = 0x01

	pageHeader    = 16
	branchElement = 16
	leafElement   = 16
	bucketHeader  = 16
	metaSize      = 64
)

var order = binary.NativeEndian

// A Meta is what one of the first two pages says of the others.
type Meta struct {
	Torn bool // the other one is damaged, or was not wholly written

	pageSize                           int
	root, freelist, pages, transaction uint64
}

// Bytes returns how large the file has to be.
func (m Meta) Bytes() uint64 { return m.pages * uint64(m.pageSize) }

// ReadMeta returns the newer one of the two meta pages.
func ReadMeta(file io.ReaderAt, pageSize int) (Meta, error) {
	var newest Meta
	valid, torn := false, false
	for place := range int64(2) {
		b := make([]byte, pageHeader+metaSize)
		if _, err := file.ReadAt(b, place*int64(pageSize)); err != nil {
			return Meta{}, err
		}
		m, ok := parseMeta(b[pageHeader:])
		switch {
		case !ok:
			torn = true
		case !valid || m.transaction > newest.transaction:
			newest, valid = m, true
		}
	}
	if !valid {
		return Meta{}, errors.New("neither meta page is valid")
	}
	newest.Torn, newest.pageSize = torn, pageSize
	return newest, nil
}

func parseMeta(b []byte) (Meta, bool) {
	sum := fnv.New64a()
	_, _ = sum.Write(b[:metaSize-8])
	m := Meta{
		root:        order.Uint64(b[16:]),
		freelist:    order.Uint64(b[32:]),
		pages:       order.Uint64(b[40:]),
		transaction: order.Uint64(b[48:]),
	}
	return m, order.Uint64(b[metaSize-8:]) == sum.Sum64()
}

// A pageCheck walks over the pages of a file.
type pageCheck struct {
	file  io.ReaderAt
	size  int // of a page
	pages uint64
	taken uint64   // pages that have a place
	bits  []uint64 // a bit for each of them
}

// An element is one of a branch or leaf page.
type element struct {
	key      []byte
	page     uint64 // of a branch
	isBucket bool   // the value says where
	value    []byte
}

// A page is a branch or a leaf.
type page struct {
	isBranch bool
	elements []element
}

func newPageCheck(file io.ReaderAt, m Meta) *pageCheck {
	c := &pageCheck{file: file, size: m.pageSize, pages: m.pages, taken: 2, bits: make([]uint64, m.pages/64+1)}
	c.bits[0] = 0b11 // the meta pages
	return c
}

// All checks all pages that are in use: that each belongs to one place and
// has its elements in order, and that every other page is free.
func All(file io.ReaderAt, m Meta) error {
	if m.Torn {
		return errors.New("a meta page is damaged or was not wholly written; the last transaction may be missing")
	}
	c := newPageCheck(file, m)
	if err := c.tree(m.root, nil, nil); err != nil {
		return err
	}
	if err := c.free(m.freelist); err != nil {
		return err
	}
	if lost := m.pages - c.taken; lost > 0 {
		return fmt.Errorf("%d pages are neither in use nor free", lost)
	}
	return nil
}

// maxUpper is how many pages are looked at before a database is opened. Those of
// a large one are too many to wait for.
const maxUpper = 1024

// ErrForeign is wrapped by the error for a file that has no bucket of ours.
var ErrForeign = errors.New("it belongs to another program")

// Upper checks pages, from the top, as far as there are not too many of them. It
// is for a file that is about to be used.
func Upper(file io.ReaderAt, m Meta) error {
	c := newPageCheck(file, m)
	if err := c.free(m.freelist); err != nil {
		return err
	}
	names, err := c.page(m.root)
	if err != nil {
		return err
	}
	if names.isBranch {
		return ErrForeign // there would be hundreds of buckets
	}
	return c.upper(names)
}

// upper checks the pages of the buckets in a leaf, as Upper does.
func (c *pageCheck) upper(leaf page) error {
	for _, e := range leaf.elements {
		if !e.isBucket {
			continue
		}
		if len(e.value) < bucketHeader {
			return fmt.Errorf("bucket %q is cut off", e.key)
		}
		var err error
		if root := order.Uint64(e.value); root == 0 {
			err = c.bucket(e.value)
		} else {
			err = c.levels(root)
		}
		if err != nil {
			return fmt.Errorf("bucket %q: %w", e.key, err)
		}
	}
	return nil
}

// levels checks the pages of a bucket, level by level. On the lowest level, which
// is the same everywhere, are the leaves: bbolt follows whatever is no leaf.
func (c *pageCheck) levels(root uint64) error {
	for level := []uint64{root}; len(level) > 0; {
		var next []uint64
		branches := false
		for i, id := range level {
			if c.taken > maxUpper {
				return nil
			}
			p, err := c.page(id)
			switch {
			case err != nil:
				return err
			case i == 0:
				branches = p.isBranch
			case p.isBranch != branches:
				return fmt.Errorf("page %d: %w: leaves and branches are mixed", id, errPage)
			}
			if !branches {
				if err := c.upper(p); err != nil {
					return err
				}
				continue
			}
			for _, e := range p.elements {
				next = append(next, e.page)
			}
		}
		level = next
	}
	return nil
}

// tree checks a page, whose keys are to lie in [from, to), and those below it.
func (c *pageCheck) tree(id uint64, from, to []byte) error {
	p, err := c.page(id)
	if err != nil {
		return err
	}
	for i, e := range p.elements {
		next := to
		if i+1 < len(p.elements) {
			next = p.elements[i+1].key
		}
		if i == 0 && from != nil && bytes.Compare(e.key, from) < 0 || next != nil && bytes.Compare(e.key, next) >= 0 {
			return fmt.Errorf("page %d: key %d is out of order", id, i)
		}
		switch {
		case p.isBranch:
			err = c.tree(e.page, e.key, next)
		case e.isBucket:
			err = c.bucket(e.value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bucket checks the pages of the bucket that a leaf's element stands for.
func (c *pageCheck) bucket(value []byte) error {
	if len(value) < bucketHeader {
		return errors.New("a bucket is cut off")
	}
	if root := order.Uint64(value); root != 0 {
		return c.tree(root, nil, nil)
	}
	p, err := parsePage(value[bucketHeader:])
	if err != nil {
		return fmt.Errorf("page of a small bucket: %w", err)
	}
	for i, e := range p.elements {
		if i > 0 && bytes.Compare(p.elements[i-1].key, e.key) >= 0 || e.isBucket || p.isBranch {
			return fmt.Errorf("page of a small bucket: key %d is out of order", i)
		}
	}
	return nil
}

// free checks the list of pages that are free.
func (c *pageCheck) free(id uint64) error {
	if id == noFreelist {
		return nil
	}
	b, err := c.take(id)
	if err != nil {
		return err
	}
	flags, count, list := order.Uint16(b[8:]), uint64(order.Uint16(b[10:])), b[pageHeader:]
	if count == 0xffff && len(list) >= 8 {
		count, list = order.Uint64(list), list[8:]
	}
	if flags != freelistPage || count > uint64(len(list)/8) {
		return fmt.Errorf("page %d, the list of free pages: %w", id, errPage)
	}
	for ; count > 0; count, list = count-1, list[8:] {
		if err := c.claim(order.Uint64(list), 1); err != nil {
			return fmt.Errorf("list of free pages: %w", err)
		}
	}
	return nil
}

var errPage = errors.New("page is damaged")

// page reads a branch or a leaf.
func (c *pageCheck) page(id uint64) (page, error) {
	b, err := c.take(id)
	if err != nil {
		return page{}, err
	}
	p, err := parsePage(b)
	if err != nil {
		return page{}, fmt.Errorf("page %d: %w", id, err)
	}
	return p, nil
}

// take reads a page that no other place may claim.
func (c *pageCheck) take(id uint64) ([]byte, error) {
	if err := c.claim(id, 1); err != nil {
		return nil, err
	}
	b := make([]byte, c.size)
	if _, err := c.file.ReadAt(b, int64(id)*int64(c.size)); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	if order.Uint64(b) != id {
		return nil, fmt.Errorf("page %d: %w: it says it is page %d", id, errPage, order.Uint64(b))
	}
	more := uint64(order.Uint32(b[12:]))
	if more == 0 {
		return b, nil
	}
	if err := c.claim(id+1, more); err != nil {
		return nil, err
	}
	b = append(b, make([]byte, int(more)*c.size)...)
	if _, err := c.file.ReadAt(b[c.size:], int64(id+1)*int64(c.size)); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	return b, nil
}

// claim notes that n pages have a place.
func (c *pageCheck) claim(id, n uint64) error {
	if id >= c.pages || n > c.pages-id {
		return fmt.Errorf("page %d is outside of the file", id)
	}
	for ; n > 0; id, n = id+1, n-1 {
		if c.bits[id/64]&(1<<(id%64)) != 0 {
			return fmt.Errorf("page %d belongs to two places", id)
		}
		c.bits[id/64] |= 1 << (id % 64)
		c.taken++
	}
	return nil
}

// parsePage takes a branch or leaf apart.
func parsePage(b []byte) (page, error) {
	if len(b) < pageHeader {
		return page{}, errPage
	}
	flags, count, rest := order.Uint16(b[8:]), int(order.Uint16(b[10:])), b[pageHeader:]
	if flags != branchPage && flags != leafPage || count*leafElement > len(rest) || flags == branchPage && count == 0 {
		return page{}, errPage
	}
	p := page{isBranch: flags == branchPage, elements: make([]element, count)}
	for i := range p.elements {
		e, ok := parseElement(rest[i*leafElement:], p.isBranch)
		if !ok {
			return page{}, fmt.Errorf("%w: element %d is outside of it", errPage, i)
		}
		p.elements[i] = e
	}
	return p, nil
}

// parseElement reads the element that b begins with.
func parseElement(b []byte, ofBranch bool) (e element, ok bool) {
	var at, key, value uint64
	if ofBranch {
		at, key = uint64(order.Uint32(b)), uint64(order.Uint32(b[4:]))
		e.page = order.Uint64(b[8:])
	} else {
		e.isBucket = order.Uint32(b)&bucketElement != 0
		at, key, value = uint64(order.Uint32(b[4:])), uint64(order.Uint32(b[8:])), uint64(order.Uint32(b[12:]))
	}
	if at+key+value > uint64(len(b)) {
		return element{}, false
	}
	e.key, e.value = b[at:at+key], b[at+key:at+key+value]
	return e, true
}
