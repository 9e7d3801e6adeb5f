# Ten questions about claims, in R 4 or later without any other package. It reads the CSV
# tables of a folder that was made by "ab2d export --format csv --latest -o claims":
#
#     Rscript claims.R claims
#
# The page "Analyze claims" (docs/analysis.md) explains the tables. Codes are read as text,
# and an empty cell is NA. Large exports need more memory than this computer may have: use
# DuckDB and Parquet for them.

arguments <- commandArgs(trailingOnly = TRUE)
folder <- if (length(arguments) > 0) arguments[1] else "claims"

read_table <- function(...) {
  read.csv(file.path(folder, ...), colClasses = "character", na.strings = "", encoding = "UTF-8")
}
claims <- read_table("latest", "claims.csv")
lines <- read_table("latest", "lines.csv")
diagnoses <- read_table("latest", "diagnoses.csv")
care_team <- read_table("latest", "care_team.csv")
places <- read_table("lookup", "place_of_service.csv")
specialties <- read_table("lookup", "provider_specialty.csv")
for (column in c("service_start", "service_end")) {
  claims[[column]] <- as.Date(claims[[column]])
  lines[[column]] <- as.Date(lines[[column]])
}
inpatient <- claims[claims$claim_type %in% "INPATIENT", ]

# Each answer is printed as CSV below its question.
answer <- function(number, question, table) {
  cat(sprintf("\n# %d. %s\n", number, question))
  write.csv(table, row.names = FALSE, na = "")
}

# For each value of by: how many rows, and how many members.
count_by <- function(table, by, rows_are) {
  table <- table[!is.na(table[[by]]), ]
  members <- tapply(table$patient_id, table[[by]], function(ids) length(unique(na.omit(ids))))
  rows <- table(table[[by]])
  result <- data.frame(names(rows), as.integer(rows), as.integer(members[names(rows)]))
  names(result) <- c(by, rows_are, "members")
  result
}
# The most frequent first, and of those with the same number the first in the alphabet.
most_frequent <- function(table, by, column = names(table)[2]) {
  table[order(-table[[column]], table[[by]], method = "radix"), ]
}

types <- most_frequent(count_by(claims, "claim_type", "claims"), "claim_type")
answer(1, "Which kinds of claims are there, and how many members have them?", types)

inpatient$month <- format(inpatient$service_start, "%Y-%m")
answer(2, "How many admissions to hospitals are there, by month?", count_by(inpatient, "month", "admissions"))

# An admission on the day of the discharge is a transfer here, not a readmission.
stays <- inpatient[order(inpatient$patient_id, inpatient$service_start, inpatient$service_end, inpatient$claim_id, method = "radix"), ]
n <- nrow(stays)
same_member <- c(stays$patient_id[-1] == stays$patient_id[-n], FALSE)
gap <- as.integer(c(stays$service_start[-1], NA) - stays$service_end)
readmitted <- same_member & gap >= 1 & gap <= 30
answer(3, "How many discharges lead to another admission within 30 days?",
       data.frame(discharges = n, readmissions = sum(readmitted, na.rm = TRUE)))

# Claims come weeks after the service, so "today" is the last day that any claim has.
today <- max(claims$service_end, na.rm = TRUE)
heart_failure <- unique(diagnoses$patient_id[grepl("^(I50|I110$|I130$|I132$)", diagnoses$code)])
office <- lines[lines$place_of_service %in% "11", ]
last <- aggregate(service_start ~ patient_id, office, max)
last_visit <- last$service_start[match(heart_failure, last$patient_id)]
missing <- data.frame(patient_id = heart_failure, last_visit, days = as.integer(today - last_visit))
missing <- missing[is.na(missing$days) | missing$days > 90, ]
missing <- missing[order(missing$last_visit, missing$patient_id, na.last = FALSE, method = "radix"), ]
answer(4, "Which members with heart failure had no office visit in the last 90 days?", missing)

# round() of R makes 6.2 of 6.25, and SQL makes 6.3.
drgs <- count_by(inpatient, "drg", "stays")
days <- tapply(as.integer(inpatient$service_end - inpatient$service_start), inpatient$drg, mean)
drgs <- data.frame(drg = drgs$drg, stays = drgs$stays, average_days = floor(as.numeric(days[drgs$drg]) * 10 + 0.5) / 10)
answer(5, "What are the ten most frequent DRGs, and how long are their stays?", head(most_frequent(drgs, "drg"), 10))

where <- most_frequent(count_by(lines, "place_of_service", "lines"), "place_of_service")
where <- data.frame(place_of_service = where$place_of_service, name = places$name[match(where$place_of_service, places$code)], lines = where$lines, members = where$members)
answer(6, "Where do members see doctors and suppliers?", where)

answer(7, "What are the ten most frequent services?", head(most_frequent(count_by(lines, "hcpcs", "lines"), "hcpcs"), 10))

# The role is "performing" in v2, "primary" in v1 and "rendering" in v3.
treating <- care_team[care_team$role %in% c("performing", "rendering", "primary") & !is.na(care_team$specialty), ]
by_specialty <- count_by(treating, "specialty", "entries")
providers <- tapply(treating$npi, treating$specialty, function(ids) length(unique(na.omit(ids))))
by_specialty <- data.frame(specialty = by_specialty$specialty, name = specialties$name[match(by_specialty$specialty, specialties$code)],
                           providers = as.integer(providers[by_specialty$specialty]), members = by_specialty$members)
answer(8, "Which specialties treat the most members?", head(most_frequent(by_specialty, "specialty", "members"), 10))

# lines$diagnoses is a list of numbers with a space between: "1 3" means the diagnoses of the
# claim whose sequence is 1 and 3.
equipment <- lines[lines$claim_id %in% claims$claim_id[claims$claim_type %in% "DME"] & !is.na(lines$diagnoses), ]
numbers <- strsplit(equipment$diagnoses, " ")
linked <- data.frame(claim_id = rep(equipment$claim_id, lengths(numbers)), sequence = unlist(numbers))
linked <- merge(linked, diagnoses[, c("claim_id", "sequence", "code", "patient_id")])
answer(9, "For which diagnoses do members get equipment?", head(most_frequent(count_by(linked, "code", "lines"), "code"), 10))

visits <- split(as.integer(office$service_start), office$patient_id)
followed_up <- mapply(function(patient, discharge) {
  gap <- visits[[patient]] - discharge
  any(gap >= 1 & gap <= 14)
}, inpatient$patient_id, as.integer(inpatient$service_end))
answer(10, "How many discharges have an office visit within 14 days?",
       data.frame(discharges = nrow(inpatient), followed_up = sum(followed_up, na.rm = TRUE)))
