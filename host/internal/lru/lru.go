// Package lru keeps what was used last.
package lru

import (
	"container/list"
	"sync"
)

// Cache keeps values up to a bound on their sizes, and forgets those that were not used for
// longest. Its methods may be called by several goroutines at once.
type Cache[K comparable, V any] struct {
	bound int

	mu     sync.Mutex
	recent *list.List // of *entry[K, V], the one used last in front
	byKey  map[K]*list.Element
	size   int
}

type entry[K comparable, V any] struct {
	key   K
	value V
	size  int
}

// New returns a cache of values whose sizes add up to at most bound, in a unit of the caller's
// choice.
func New[K comparable, V any](bound int) *Cache[K, V] {
	return &Cache[K, V]{bound: bound, recent: list.New(), byKey: map[K]*list.Element{}}
}

// Get returns the value of a key, and whether there is one.
func (c *Cache[K, V]) Get(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		return value, false
	}
	c.recent.MoveToFront(e)
	return e.Value.(*entry[K, V]).value, true
}

// Put keeps a value of the given size, in place of one that the key may have. A value that is
// larger than the bound is forgotten at once.
func (c *Cache[K, V]) Put(key K, value V, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.byKey[key]; ok {
		c.remove(old)
	}
	c.byKey[key] = c.recent.PushFront(&entry[K, V]{key, value, size})
	c.size += size
	for c.size > c.bound {
		c.remove(c.recent.Back())
	}
}

// Len returns how many values are kept.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byKey)
}

func (c *Cache[K, V]) remove(e *list.Element) {
	gone := c.recent.Remove(e).(*entry[K, V])
	delete(c.byKey, gone.key)
	c.size -= gone.size
}
