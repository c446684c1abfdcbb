package base

import (
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
)

const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// legitimate are names of real images, by publishers of all kinds, that an
// empty policy lets in.
const legitimate = `
bitnami/nginx bitnami/postgresql grafana/grafana grafana/loki grafana/tempo prom/prometheus prom/alertmanager prom/node-exporter
linuxserver/plex linuxserver/sonarr linuxserver/jackett rocker/rstudio rocker/r-ver ubuntu/nginx ubuntu/postgres amd64/debian
arm64v8/debian arm32v7/alpine i386/ubuntu s390x/golang nginxinc/nginx-unprivileged nginx/nginx-prometheus-exporter
hashicorp/vault hashicorp/consul hashicorp/terraform elastic/filebeat kong/kong kong/kong-gateway traefik/whoami apache/kafka
apache/solr apache/airflow apache/superset confluentinc/cp-kafka portainer/portainer-ce rancher/rancher rancher/k3s cimg/node
circleci/node jenkins/jenkins jenkins/inbound-agent gitlab/gitlab-ce gitlab/gitlab-runner gitea/gitea drone/drone
woodpeckerci/woodpecker-server minio/minio minio/mc keycloak/keycloak vaultwarden/server pihole/pihole jellyfin/jellyfin
homeassistant/home-assistant nodered/node-red n8nio/n8n metabase/metabase directus/directus redis/redis-stack mysql/mysql-server
mongodb/mongodb-community-server neo4j/neo4j-admin percona/percona-server-mongodb cockroachdb/cockroach scylladb/scylla
yugabytedb/yugabyte clickhouse/clickhouse-server timescale/timescaledb postgis/postgis pgvector/pgvector influxdata/influxdb
opensearchproject/opensearch getmeili/meilisearch typesense/typesense qdrant/qdrant milvusdb/milvus ollama/ollama vllm/vllm-openai
pytorch/pytorch tensorflow/tensorflow jupyter/base-notebook continuumio/miniconda3 condaforge/mambaforge mambaorg/micromamba
nvidia/cuda intel/intel-optimized-tensorflow selenium/standalone-chrome cypress/included curlimages/curl alpine/git alpine/helm
rclone/rclone restic/restic velero/velero docker/compose moby/buildkit tonistiigi/binfmt kindest/node istio/pilot
envoyproxy/envoy calico/node cilium/cilium coredns/coredns openpolicyagent/opa aquasec/trivy anchore/syft anchore/grype
jaegertracing/all-in-one openzipkin/zipkin otel/opentelemetry-collector fluent/fluent-bit timberio/vector victoriametrics/victoria-metrics
datadog/agent newrelic/infrastructure sonarsource/sonar-scanner-cli sonatype/nexus3 zabbix/zabbix-server-mysql itzg/minecraft-server
louislam/uptime-kuma netdata/netdata mattermost/mattermost-team-edition rocketchat/rocket.chat nextcloud/aio-nextcloud natsio/nats-box
certbot/certbot caddy/ingress crazymax/diun jwilder/nginx-proxy nginxproxy/nginx-proxy jc21/nginx-proxy-manager containrrr/watchtower
dperson/samba mailhog/mailhog mailserver/docker-mailserver verdaccio/verdaccio phusion/baseimage tianon/gosu wernight/phantomjs
library/debian docker.io/debian docker.io/library/nginx index.docker.io/library/nginx docker.io:443/library/debian
gcr.io/distroless/static gcr.io/distroless/base-debian12 gcr.io/kaniko-project/executor gcr.io/my-project/debian
ghcr.io/astral-sh/uv ghcr.io/home-assistant/home-assistant ghcr.io/someone/debian ghcr.io/owner/repo/image
quay.io/keycloak/keycloak quay.io/prometheus/prometheus quay.io/argoproj/argocd quay.io/someone/app
mcr.microsoft.com/dotnet/sdk mcr.microsoft.com/playwright registry.access.redhat.com/ubi9 registry.access.redhat.com/ubi9/ubi-minimal
registry.k8s.io/pause registry.k8s.io/ingress-nginx/controller cgr.dev/chainguard/static public.ecr.aws/docker/library/debian
public.ecr.aws/lambda/python public.ecr.aws/amazonlinux/amazonlinux nvcr.io/nvidia/pytorch docker.elastic.co/elasticsearch/elasticsearch
lscr.io/linuxserver/plex mirror.gcr.io/library/debian registry.gitlab.com/group/project/image us-docker.pkg.dev/project/repo/image
europe-docker.pkg.dev/project/repo/debian eu.gcr.io/project/image 123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app
mycompany.azurecr.io/base/debian registry.example.com/library/debian registry.example.com:5000/debian harbor.corp.example/dockerhub/library/nginx
localhost:5000/debian localhost/debian 10.0.0.7:5000/app quay.example.com/team/app docker.example.com/debian registry.example/a/b
someone/debian myuser/node mycompany/nginx team-a/python redhat/ubi9 oraclelinux/x codercom/code-server
`

func TestLegitimateNamesPass(t *testing.T) {
	names := append(strings.Fields(legitimate), newCatalogue(nil).images...)
	if len(names) < 350 {
		t.Errorf("only %d names", len(names))
	}
	for _, name := range names {
		if d := Judge(name+digest, policy.Policy{}); !d.Allowed {
			t.Errorf("%s: %v", name, d.Reasons)
		}
	}
}

func TestLookAlikesAreRefused(t *testing.T) {
	for name, likely := range map[string]string{
		"debain":                              "docker.io/library/debian",
		"debiann":                             "docker.io/library/debian",
		"deb_ian":                             "docker.io/library/debian",
		"d3bian":                              "docker.io/library/debian",
		"deblan":                              "docker.io/library/debian",
		"ngnix":                               "docker.io/library/nginx",
		"nginx-official":                      "docker.io/library/nginx",
		"ng1nx":                               "docker.io/library/nginx",
		"a1pine":                              "docker.io/library/alpine",
		"apline":                              "docker.io/library/alpine",
		"ndoe":                                "docker.io/library/node",
		"n0de":                                "docker.io/library/node",
		"pythom":                              "docker.io/library/python",
		"pythorn":                             "docker.io/library/python",
		"python3":                             "docker.io/library/python",
		"postgress":                           "docker.io/library/postgres",
		"rnysql":                              "docker.io/library/mysql",
		"swift-docker":                        "docker.io/library/swift",
		"svvift":                              "docker.io/library/swift",
		"rocketchat":                          "docker.io/library/rocket.chat",
		"elastic-search":                      "docker.io/library/elasticsearch",
		"elasticsaerhc":                       "docker.io/library/elasticsearch",
		"librarry/debian":                     "docker.io/library/debian",
		"1ibrary/debian":                      "docker.io/library/debian",
		"libary/debian":                       "docker.io/library/debian",
		"debian-official/debian":              "docker.io/library/debian",
		"debianofficial/debian":               "docker.io/library/debian",
		"officialdebian/debian":               "docker.io/library/debian",
		"official/debian":                     "docker.io/library/debian",
		"debian/debian":                       "docker.io/library/debian",
		"docker-library/debian":               "docker.io/library/debian",
		"someone/library/debian":              "docker.io/library/debian",
		"docker.io/debian-official/debian":    "docker.io/library/debian",
		"ghcr.io/library/debian":              "docker.io/library/debian",
		"quay.io/library/nginx":               "docker.io/library/nginx",
		"dockerio/debian":                     "docker.io/library/debian",
		"docker-io/debian":                    "docker.io/library/debian",
		"ghcrio/astral-sh/uv":                 "ghcr.io/astral-sh/uv",
		"docker.io.example.com/debian":        "docker.io/library/debian",
		"docker-io.example.com/debian":        "docker.io/library/debian",
		"docker.io:8443/library/debian":       "docker.io/library/debian",
		"docker.lo/library/debian":            "docker.io/library/debian",
		"d0cker.io/library/debian":            "docker.io/library/debian",
		"dokcer.io/library/debian":            "docker.io/library/debian",
		"docker.i0/library/debian":            "docker.io/library/debian",
		"dockerr.io/library/debian":           "docker.io/library/debian",
		"gcr.lo/distroless/static":            "gcr.io/distroless/static",
		"gchr.io/astral-sh/uv":                "ghcr.io/astral-sh/uv",
		"gcr.io/distro1ess/static":            "gcr.io/distroless/static",
		"gcr.io/distrolees/static":            "gcr.io/distroless/static",
		"distroless/static":                   "gcr.io/distroless/static",
		"mcr.mircosoft.com/dotnet/sdk":        "mcr.microsoft.com/dotnet/sdk",
		"mcr.rnicrosoft.com/dotnet/sdk":       "mcr.microsoft.com/dotnet/sdk",
		"registry.acces.redhat.com/ubi9":      "registry.access.redhat.com/ubi9",
		"registry-access-redhat.com/ubi9":     "registry.access.redhat.com/ubi9",
		"public.ecr.aws/dockerr/library/node": "public.ecr.aws/docker/library/node",
		"bitnarni/nginx":                      "docker.io/bitnami/nginx",
		"bitnani/nginx":                       "docker.io/bitnami/nginx",
		"grafanna/grafana":                    "docker.io/grafana/grafana",
		"linux-server/plex":                   "docker.io/linuxserver/plex",
		"linuxservre/plex":                    "docker.io/linuxserver/plex",
		"hashic0rp/vault":                     "docker.io/hashicorp/vault",
		"quay.io/key-cloak/keycloak":          "quay.io/keycloak/keycloak",
		"node-js":                             "docker.io/library/node",
		"nodejs":                              "docker.io/library/node",
		"mongodb":                             "docker.io/library/mongo",
		"nats-io/nats":                        "docker.io/natsio/nats",
	} {
		d := Judge(name+digest, policy.Policy{})
		if d.Allowed || d.Likely != likely {
			t.Errorf("%s: allowed %v, likely %q, not %q: %v", name, d.Allowed, d.Likely, likely, d.Reasons)
		}
		if hint := fault.HintOf(d.Err()); !strings.Contains(hint, likely) || fault.KindOf(d.Err()) != fault.Policy {
			t.Errorf("%s: hint %q of %v", name, hint, d.Err())
		}
	}
}
