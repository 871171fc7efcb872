variable "function" {
  description = "Name or ARN of slipway-configure: the output configure_arn of the module stack."
  type        = string
  nullable    = false
}

variable "spec" {
  description = "The application: YAML or JSON as a text, or an object. README.md of Slipway says what is in it."
  type        = any
  nullable    = false
}

variable "why" {
  description = "Why it changes, for the log. Another value sends the spec again, even if it is the same."
  type        = string
  nullable    = false
  default     = ""
}

variable "force" {
  description = "Whether to store the spec even if the account lacks what it names. It says so in warnings."
  type        = bool
  nullable    = false
  default     = false
}

variable "on_delete" {
  description = "What happens in Slipway if this resource is destroyed: keep changes nothing; remove removes the application. Services keep running either way."
  type        = string
  nullable    = false
  default     = "keep"

  validation {
    condition     = contains(["keep", "remove"], var.on_delete)
    error_message = "Must be one of keep, remove."
  }
}
