"""recipe_tables.py - what the documents of scripts/recipes may and must name,
with where that is documented."""

# (apiVersion, kind), or the file, to the members that it has to have.
KINDS = {
    # kubernetes.io/docs/reference/kubernetes-api
    ("apps/v1", "Deployment"): [
        "metadata.name", "spec.selector.matchLabels",
        "spec.template.metadata.labels", "spec.template.spec.containers.name",
        "spec.template.spec.containers.image",
        "spec.template.spec.volumes.name"],
    ("batch/v1", "CronJob"): [
        "metadata.name", "spec.schedule", "spec.concurrencyPolicy",
        "spec.jobTemplate.spec.template.spec.restartPolicy",
        "spec.jobTemplate.spec.template.spec.containers.command"],
    ("v1", "PersistentVolumeClaim"): [
        "spec.accessModes", "spec.resources.requests.storage"],
    ("v1", "ServiceAccount"): ["metadata.name"],
    ("rbac.authorization.k8s.io/v1", "Role"): [
        "rules.apiGroups", "rules.resources", "rules.verbs"],
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): [
        "roleRef.apiGroup", "roleRef.kind", "roleRef.name", "subjects.kind"],
    ("v1", "Secret"): ["metadata.name", "type", "data"],
    # kserve.github.io/website: reference/crd-api
    ("serving.kserve.io/v1beta1", "InferenceService"): [
        "metadata.name", "spec.predictor.model.modelFormat.name",
        "spec.predictor.model.storageUri"],
    ("serving.kserve.io/v1alpha1", "ClusterStorageContainer"): [
        "metadata.name", "spec.workloadType", "spec.supportedUriFormats.prefix",
        "spec.container.name", "spec.container.image"],
    # kubectl.docs.kubernetes.io/references/kustomize/kustomization
    ("kustomize.config.k8s.io/v1beta1", "Kustomization"): [
        "resources", "images.name", "images.digest", "configurations"],
    ("", "churn/volumes.yaml"): ["images.path", "images.kind"],
    # docs.github.com/actions/reference/workflow-syntax-for-github-actions
    # (YAML 1.1 reads the key `on` as true.)
    ("", "github-actions/train-push.yml"): ["name", "jobs"],
    ("", "github-actions/evaluate-promote.yml"): ["name", "jobs"],
    ("", "github-actions/deploy.yml"): ["name", "jobs"],
    # docs.github.com/actions/reference/metadata-syntax-for-github-actions
    ("", "mreg/action.yml"): ["name", "description", "inputs", "runs.using",
                              "runs.steps.name"],
    # docs.gitlab.com/ci/yaml
    ("", "gitlab-ci/.gitlab-ci.yml"): [
        "stages", "default.image.name", "train.script",
        "train.artifacts.reports.dotenv", "promote.environment.name",
        "promote.resource_group", "deploy.script"],
    # tekton.dev/docs/pipelines/{tasks,pipelines}
    ("tekton.dev/v1", "Task"): [
        "metadata.name", "spec.params.name", "spec.params.type",
        "spec.workspaces.name", "spec.results.name", "spec.steps.name",
        "spec.steps.image", "spec.steps.script"],
    ("tekton.dev/v1", "Pipeline"): [
        "spec.params.name", "spec.workspaces.name", "spec.tasks.taskRef.name",
        "spec.tasks.params.value", "spec.results.value"],
    # argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup
    ("argoproj.io/v1alpha1", "Application"): [
        "spec.project", "spec.source.repoURL", "spec.source.targetRevision",
        "spec.source.path", "spec.destination.server",
        "spec.destination.namespace"],
    ("argoproj.io/v1alpha1", "AppProject"): [
        "spec.sourceRepos", "spec.destinations.namespace",
        "spec.namespaceResourceWhitelist.kind"],
    # argoproj-labs/argocd-image-updater: config/crd/bases
    ("argocd-image-updater.argoproj.io/v1alpha1", "ImageUpdater"): [
        "spec.applicationRefs.namePattern", "spec.applicationRefs.images.alias",
        "spec.applicationRefs.images.imageName",
        "spec.applicationRefs.images.commonUpdateSettings.updateStrategy",
        "spec.applicationRefs.images.manifestTargets.kustomize.name",
        "spec.writeBackConfig.method", "spec.writeBackConfig.gitConfig.branch"],
    # fluxcd.io/flux/components/image, .../source, .../helm, .../kustomize
    ("image.toolkit.fluxcd.io/v1", "ImageRepository"): [
        "spec.image", "spec.interval", "spec.secretRef.name"],
    ("image.toolkit.fluxcd.io/v1", "ImagePolicy"): [
        "spec.imageRepositoryRef.name", "spec.policy.alphabetical.order",
        "spec.filterTags.pattern", "spec.digestReflectionPolicy",
        "spec.interval"],
    ("image.toolkit.fluxcd.io/v1", "ImageUpdateAutomation"): [
        "spec.interval", "spec.sourceRef.kind", "spec.git.checkout.ref.branch",
        "spec.git.commit.author.email", "spec.git.push.branch",
        "spec.update.path", "spec.update.strategy"],
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease"): [
        "spec.interval", "spec.chart.spec.chart",
        "spec.chart.spec.sourceRef.kind", "spec.values.model.digest"],
    ("source.toolkit.fluxcd.io/v1", "OCIRepository"): [
        "spec.interval", "spec.url", "spec.ref.tag",
        "spec.layerSelector.mediaType", "spec.layerSelector.operation"],
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"): [
        "spec.interval", "spec.sourceRef.kind", "spec.path", "spec.prune",
        "spec.serviceAccountName"],
    # akuity/kargo: charts/kargo/resources/crds
    ("kargo.akuity.io/v1alpha1", "Project"): ["metadata.name"],
    ("kargo.akuity.io/v1alpha1", "Warehouse"): [
        "spec.interval", "spec.subscriptions.image.repoURL",
        "spec.subscriptions.image.imageSelectionStrategy",
        "spec.subscriptions.image.constraint"],
    ("kargo.akuity.io/v1alpha1", "Stage"): [
        "spec.requestedFreight.origin.kind", "spec.requestedFreight.origin.name",
        "spec.requestedFreight.sources", "spec.promotionTemplate.spec.steps.uses",
        "spec.promotionTemplate.spec.steps.config"],
    # learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
    ("", "acr/purge-task.yaml"): ["version", "steps.cmd"],
}

# docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
ECR_ACTIONS = {"ecr:" + name for name in (
    "BatchCheckLayerAvailability", "BatchDeleteImage", "BatchGetImage",
    "CompleteLayerUpload", "CreateRepository", "DeleteLifecyclePolicy",
    "DeleteRepository", "DeleteRepositoryPolicy", "DescribeImages",
    "DescribeRepositories", "GetAuthorizationToken", "GetDownloadUrlForLayer",
    "GetLifecyclePolicy", "GetRepositoryPolicy", "InitiateLayerUpload",
    "ListImages", "PutImage", "PutImageTagMutability", "PutLifecyclePolicy",
    "SetRepositoryPolicy", "UploadLayerPart")}

# goharbor.io/docs/main/administration/robot-accounts: Permission References
HARBOR_ACCESS = {(resource, action) for resource, actions in {
    "repository": "list pull push delete update read",
    "artifact": "read list create delete",
    "tag": "create delete list",
    "artifact-label": "create delete",
    "immutable-tag": "create update delete list",
    "tag-retention": "create read update delete list operate",
}.items() for action in actions.split()}

# cloud.google.com/iam/docs/roles-permissions/artifactregistry
GAR_PERMISSIONS = {"artifactregistry." + name for name in (
    "attachments.create", "attachments.get", "attachments.list",
    "dockerimages.get", "dockerimages.list", "files.delete", "files.download",
    "files.get", "files.list", "files.update", "files.upload", "packages.delete",
    "packages.get", "packages.list", "packages.update",
    "repositories.deleteArtifacts", "repositories.downloadArtifacts",
    "repositories.get", "repositories.list", "repositories.uploadArtifacts",
    "tags.create", "tags.delete", "tags.get", "tags.list", "tags.update",
    "versions.delete", "versions.get", "versions.list")}
GAR_ROLES = {"roles/artifactregistry." + name for name in (
    "reader", "writer", "repoAdmin", "admin")} | {
        "projects/acme-ml/roles/mregTraining"}

# learn.microsoft.com/azure/container-registry/container-registry-rbac-built-in-roles-directory-reference
# Repository Reader, Writer and Contributor.
_REPOSITORIES = "Microsoft.ContainerRegistry/registries/repositories/"
_READ = {_REPOSITORIES + "content/read", _REPOSITORIES + "metadata/read"}
_WRITE = _READ | {_REPOSITORIES + "content/write", _REPOSITORIES + "metadata/write"}
_DELETE = _WRITE | {_REPOSITORIES + "content/delete",
                    _REPOSITORIES + "metadata/delete"}
ACR_ROLES = {"read": _READ, "training": _WRITE, "write": _WRITE, "gc": _DELETE}

# Tags of a model, by spec/versions.md, spec/events.md and product rules.
NEVER_MOVES = ["v1", "v10", "v7-image", "v7-docker",
               "mreg.log.00000001." + "0" * 32, "mreg.seq.00000001",
               "mreg.policy." + "0" * 32, "mreg.att." + "0" * 32]
MOVES = ["latest", "production", "production-image", "validated", "staging",
         "candidate"]
KEPT = NEVER_MOVES + MOVES + ["1.2.0", "v1.2.0", "sha256-" + "0" * 64]

# docs.docker.com/reference/dockerfile
DOCKERFILE = {"ARG", "COPY", "FROM", "LABEL", "RUN", "USER", "WORKDIR"}

# Words behind `mreg` in docstrings and descriptions.
NOT_COMMANDS = {"and", "gc", "is", "looks", "on", "training"}
