// Package once makes each thing once for all who ask, however many do so at
// the same time.
package once

import (
	"context"
	"sync"

	"github.com/bakelite/bakelite/internal/fault"
)

// Map remembers what was made for each key, and that something was found
// wrong with what was asked for or with what there is (fault.Invalid,
// fault.Integrity). Any other failure is shared by those who waited, and who
// comes later tries again; that one caller's context ended does not count for
// the others. The zero value is empty. It is safe for concurrent use.
type Map[T any] struct {
	mu   sync.Mutex
	made map[string]*making[T]
}

type making[T any] struct{ result func() (T, error) }

// Do returns what make made for the key, now or before.
func (m *Map[T]) Do(ctx context.Context, key string, make func() (T, error)) (T, error) {
	mine := false
	for {
		entry := m.get(key, func() (T, error) {
			mine = true
			return make()
		})
		made, err := entry.result()
		kind := fault.KindOf(err)
		if err == nil || kind == fault.Invalid || kind == fault.Integrity {
			return made, err
		}
		m.forget(key, entry)
		if mine || kind != fault.Cancelled || ctx.Err() != nil {
			return made, err
		}
	}
}

func (m *Map[T]) get(key string, make func() (T, error)) *making[T] {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made == nil {
		m.made = map[string]*making[T]{}
	}
	if m.made[key] == nil {
		m.made[key] = &making[T]{sync.OnceValues(make)}
	}
	return m.made[key]
}

func (m *Map[T]) forget(key string, entry *making[T]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.made[key] == entry {
		delete(m.made, key)
	}
}
