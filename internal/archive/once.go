package archive

import (
	"context"
	"sync"

	"github.com/bakelite/bakelite/internal/fault"
)

// once remembers what was made for each key, failures too; who asks while it
// is being made waits. That one caller's context ended does not count for the
// others. The zero value is empty. It is safe for concurrent use.
type once[T any] struct {
	mu   sync.Mutex
	made map[string]*making[T]
}

type making[T any] struct{ result func() (T, error) }

func (o *once[T]) do(ctx context.Context, key string, f func() (T, error)) (T, error) {
	mine := false
	for {
		m := o.get(key, func() (T, error) {
			mine = true
			return f()
		})
		made, err := m.result()
		if fault.KindOf(err) != fault.Cancelled {
			return made, err
		}
		o.forget(key, m)
		if mine || ctx.Err() != nil {
			return made, err
		}
	}
}

func (o *once[T]) get(key string, f func() (T, error)) *making[T] {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.made == nil {
		o.made = map[string]*making[T]{}
	}
	if o.made[key] == nil {
		o.made[key] = &making[T]{sync.OnceValues(f)}
	}
	return o.made[key]
}

func (o *once[T]) forget(key string, m *making[T]) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.made[key] == m {
		delete(o.made, key)
	}
}
