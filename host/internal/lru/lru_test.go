package lru

import (
	"sync"
	"testing"
)

func TestBound(t *testing.T) {
	c := New[int, string](10)
	for i := range 5 {
		c.Put(i, "value", 3)
	}
	if c.Len() != 3 || c.size != 9 || c.recent.Len() != 3 {
		t.Errorf("keeps %d values of size %d in a list of %d", c.Len(), c.size, c.recent.Len())
	}
	if _, ok := c.Get(1); ok {
		t.Error("the oldest was kept")
	}
	if _, ok := c.Get(2); !ok {
		t.Fatal("the third newest was forgotten")
	}
	c.Put(5, "value", 3)
	if _, ok := c.Get(3); ok {
		t.Error("what was used last went first")
	}
	if _, ok := c.Get(2); !ok {
		t.Error("what was just used is gone")
	}
	c.Put(6, "huge", 11)
	if c.Len() != 0 || c.size != 0 {
		t.Errorf("keeps %d values of size %d after one that is too large", c.Len(), c.size)
	}
}

func TestPutAgain(t *testing.T) {
	c := New[string, int](10)
	c.Put("a", 1, 4)
	c.Put("a", 2, 5)
	if v, ok := c.Get("a"); !ok || v != 2 || c.size != 5 || c.Len() != 1 {
		t.Errorf("%d, %v, size %d, %d values", v, ok, c.size, c.Len())
	}
}

func TestConcurrentUse(t *testing.T) {
	c := New[int, int](100)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				c.Put(i%50, g, 3)
				c.Get((i + g) % 50)
			}
		})
	}
	wg.Wait()
	if c.size > 100 || c.size != 3*c.Len() {
		t.Errorf("size %d of %d values", c.size, c.Len())
	}
}
