library(reticulate)
use_virtualenv("~/donormatch", required = TRUE)
dm <- import("donormatch")

# A matrix of R: samples in rows, taxa in columns, with names on both.
taxa <- c("s__Blautia_obeum", "s__Segatella_copri", "s__Akkermansia_muciniphila")
abundances <- matrix(c(60, 30, 10, 20, 70, 10, 5, 5, 90), 3, byrow = TRUE,
                     dimnames = list(c("donor_1", "donor_2", "donor_3"), taxa))
as_profiles <- function(x, unit) {
  dm$Profiles$from_numpy(x, sample_ids = rownames(x), taxa = colnames(x), unit = unit)
}
donors <- as_profiles(abundances, "percent")
recipients <- dm$simulate(n_donors = 1L, n_recipients = 2L, seed = 0L)$recipients

ranking <- dm$rank_donors(donors, recipients, regimen = "anti-pd-1", seed = 0L)
table <- read.delim(text = ranking$to_tsv())
head(table[, c("recipient_id", "donor_id", "rank", "verdict", "p_response")])
