# Bakes the disk of examples/web, notes its digests and shows where clouds come
# in. Install the plugin first (docs/packer.md), then:
#
#   packer validate templates/packer/web.pkr.hcl
#   packer build templates/packer/web.pkr.hcl
#
# Both run from the top of the repository; elsewhere set -var app=PATH.

packer {
  required_version = ">= 1.11.0" # plugins install --path, and the plugin protocol x5.0
  required_plugins {
    bakelite = {
      source  = "github.com/bakelite/bakelite"
      version = ">= 0.1.0"
    }
  }
}

variable "app" {
  type        = string
  description = "The app file, or the folder of an app.yaml. Which formats are made stands there, in vm.formats."
  default     = "examples/web"
}

variable "output" {
  type        = string
  description = "The folder for the disk files."
  default     = "dist"
}

variable "skip_tests" {
  type        = bool
  description = "Leave the app's declared tests out: no boot, and a receipt that says so."
  default     = false
}

source "bakelite-disk" "web" {
  app        = var.app
  output     = var.output
  frozen     = true # bake what the lock beside the app file says, or fail
  skip_tests = var.skip_tests
  # state    = "/var/lib/bakelite" # by default the user's, or BAKELITE_STATE
}

build {
  sources = ["source.bakelite-disk.web"]

  post-processor "checksum" {
    checksum_types = ["sha256"]
    output         = "${var.output}/{{.BuildName}}.{{.ChecksumType}}"
  }

  # build.Digest and build.Path are those of the first of vm.formats.
  post-processor "shell-local" {
    environment_vars = ["DIGEST=${build.Digest}", "DISK=${build.Path}"]
    inline           = ["printf '%s\n' \"$DIGEST\" >\"$DISK.digest\""]
  }

  # A compressed copy. Packer's keep_input_artifact changes nothing here: the
  # disk files always stay.
  #
  # post-processor "compress" {
  #   output = "${var.output}/web.raw.gz"
  # }

  # The clouds. Each needs a plugin of its own in required_plugins, credentials
  # and a bucket; the options are those that the plugins document, and have not
  # been tried from here. The disk boots by UEFI only, so say so each time.
  #
  # Google Compute Engine wants a gzipped tar with a file disk.raw, in GNU's old
  # format (vm.formats: [raw]):
  #
  # post-processors {
  #   post-processor "shell-local" {
  #     inline = ["tar --format=oldgnu -Sczf '${var.output}/web.tar.gz' --transform='s/.*/disk.raw/' -C '${var.output}' web.raw"]
  #   }
  #   post-processor "artifice" {
  #     files = ["${var.output}/web.tar.gz"]
  #   }
  #   post-processor "googlecompute-import" {
  #     project_id              = "PROJECT"
  #     bucket                  = "BUCKET"
  #     image_name              = "web"
  #     image_guest_os_features = ["UEFI_COMPATIBLE"]
  #   }
  # }
  #
  # Amazon EC2: amazon-import (format = "raw", boot_mode = "uefi", platform =
  # "linux") hands the disk to VM Import, which looks into the system and wants
  # to change it; this one is sealed. Make a snapshot of it and an image of the
  # snapshot instead (vm.formats: [raw]):
  #
  # post-processor "shell-local" {
  #   inline = [
  #     "aws s3 cp '${var.output}/web.raw' s3://BUCKET/web.raw",
  #     "task=$(aws ec2 import-snapshot --disk-container 'Format=raw,UserBucket={S3Bucket=BUCKET,S3Key=web.raw}' --query ImportTaskId --output text)",
  #     "aws ec2 wait snapshot-imported --import-task-ids \"$task\"",
  #     "snapshot=$(aws ec2 describe-import-snapshot-tasks --import-task-ids \"$task\" --query 'ImportSnapshotTasks[0].SnapshotTaskDetail.SnapshotId' --output text)",
  #     "aws ec2 register-image --name web --architecture x86_64 --boot-mode uefi --ena-support --root-device-name /dev/xvda --block-device-mappings \"DeviceName=/dev/xvda,Ebs={SnapshotId=$snapshot}\"",
  #   ]
  # }
  #
  # Azure takes a fixed VHD (vm.formats: [vhd]) as a page blob, and an image of
  # the second generation from it: az storage blob upload --type page, then
  # az image create --hyper-v-generation V2, in a shell-local like the above.
}
