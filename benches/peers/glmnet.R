# glmnet, one job: runs it once for each line on standard input, as ours.rs does.
#
#     Rscript benches/peers/glmnet.R <dense|sparse> <job.tsv>
#
# The job is lines of "name<tab>value": kind, table, rows, columns, lambdas and folds (by spaces).
suppressMessages({library(glmnet); library(Matrix)})
arguments <- commandArgs(TRUE)
lines <- strsplit(readLines(arguments[2]), "\t")
job <- setNames(lapply(lines, `[`, 2), sapply(lines, `[`, 1))
floats <- function(name, n) readBin(file.path(job$table, name), "double", n, endian = "little")
n <- as.integer(job$rows)
p <- as.integer(job$columns)
x <- matrix(floats("x.bin", n * p), n, p, byrow = TRUE)
y <- floats("y.bin", n)
dense <- x
if (arguments[1] == "sparse") x <- Matrix(x, sparse = TRUE)
numbers <- function(name) as.numeric(strsplit(job[[name]], " ")[[1]])
lambdas <- numbers("lambdas")

run <- function() {
  if (job$kind == "path") {
    glmnet(x, y, family = "binomial", alpha = 1, lambda = lambdas)
  } else {
    cv.glmnet(x, y, family = "binomial", alpha = 1, nlambda = 100, lambda.min.ratio = 0.01,
              foldid = numbers("folds") + 1)
  }
}
objectives <- function(fit) {
  deviations <- sqrt(colMeans(dense^2) - colMeans(dense)^2)
  eta <- sweep(dense %*% as.matrix(fit$beta), 2, fit$a0, "+")
  loss <- colMeans(pmax(eta, 0) + log1p(exp(-abs(eta))) - y * eta)
  loss + fit$lambda * colSums(abs(as.matrix(fit$beta)) * deviations)
}
memory <- function(key) {
  status <- readLines("/proc/self/status")
  as.numeric(strsplit(grep(key, status, value = TRUE), " +")[[1]][2]) / 1024
}
array <- function(values) paste0("[", paste(sprintf("%.17g", values), collapse = ","), "]")

input <- file("stdin", "r")
while (length(readLines(input, 1)) == 1) {
  invisible(gc())
  try(cat("5", file = "/proc/self/clear_refs"), silent = TRUE)
  before <- memory("VmRSS")
  start <- proc.time()
  clock <- as.numeric(Sys.time())
  fit <- run()
  seconds <- as.numeric(Sys.time()) - clock
  cpu <- sum((proc.time() - start)[c("user.self", "sys.self")])
  peak <- memory("VmHWM")
  result <- if (job$kind == "path") {
    sprintf("{\"lambdas\":%s,\"objectives\":%s}", array(fit$lambda), array(objectives(fit)))
  } else sprintf("{\"lambda\":%.17g}", fit$lambda.min)
  cat(sprintf("{\"seconds\":%.9f,\"cpu\":%.4f,\"peak_mb\":%.1f,\"added_mb\":%.1f,\"result\":%s}\n",
              seconds, cpu, peak, peak - before, result))
  flush(stdout())
}
