package pipelines

import "context"

func (k Kitchen) list(ctx context.Context, name string) (map[string]string, error) { return nil, nil }
